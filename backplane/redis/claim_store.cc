#include "backplane/redis/claim_store.h"

#include <charconv>
#include <cstring>
#include <utility>

#include "protocol/base/check.h"

namespace sockhook::backplane {
namespace {

// What kClaim answers.
enum class Answer : std::int64_t { kMine = 0, kRemembered = 1, kConflict = 2, kRunning = 3 };

std::string_view view_of(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

RememberedAnswer parse_answer(const redis::Reply& reply) {
  RememberedAnswer answer;
  const std::string* const status = reply.at(1).string();
  const std::string* const body = reply.at(2).string();
  if (status != nullptr) {
    std::from_chars(status->data(), status->data() + status->size(), answer.status);
  }
  if (body != nullptr) answer.body = *body;
  return answer;
}

}  // namespace

std::size_t ClaimStore::DigestHash::operator()(const Digest& digest) const noexcept {
  std::size_t hash = 0;  // any part of a cryptographic digest is a good hash
  std::memcpy(&hash, digest.data(), sizeof(hash));
  return hash;
}

ClaimStore::Entry::Entry(ClaimStore& owner, const Claim& claim)
    : store(owner),
      key(claim.key),
      fingerprint(claim.fingerprint),
      end_ms(owner.scope_.loop.now_ms() + kWaitMs) {}

void ClaimStore::claim(const Claim& claim, Ticket ticket, ClaimListener* listener) {
  const auto found = entries_.find(claim.key);
  if (found == entries_.end()) {
    if (entries_.size() >= kMaxEntries) {
      listener->on_claim(ticket, ClaimResult::kUnavailable, {});
      return;
    }
    Entry& entry = entries_.try_emplace(claim.key, *this, claim).first->second;
    entry.waiters.push_back({claim.fingerprint, ticket, listener});
    ask(entry);
    return;
  }
  Entry& entry = found->second;
  // While Redis is being asked, or told that the claim is abandoned, the key is no request's.
  const bool is_free =
      entry.state == State::kAsking || (entry.state == State::kEnding && !entry.answer.has_value());
  if (!is_free && entry.fingerprint != claim.fingerprint) {
    listener->on_claim(ticket, ClaimResult::kConflict, {});
  } else if (entry.answer) {
    // A copy: the listener may call back.
    const RememberedAnswer answer = *entry.answer;
    listener->on_claim(ticket, ClaimResult::kRemembered, answer);
  } else {
    entry.waiters.push_back({claim.fingerprint, ticket, listener});
  }
}

void ClaimStore::settle(const Digest& key, RememberedAnswer answer) {
  Entry& entry = running(key);
  entry.answer = std::move(answer);
  // A copy: whoever is told may call back.
  const RememberedAnswer remembered = *entry.answer;
  const std::vector<Waiter> waiters = std::exchange(entry.waiters, {});
  end(entry);
  tell(waiters, ClaimResult::kRemembered, remembered);
}

void ClaimStore::abandon(const Digest& key) {
  Entry& entry = running(key);
  if (entry.waiters.empty()) {
    end(entry);
    return;
  }
  const Waiter next = entry.waiters.front();
  entry.waiters.erase(entry.waiters.begin());
  next.listener->on_claim(next.ticket, ClaimResult::kMine, {});
}

ClaimStore::Entry& ClaimStore::running(const Digest& key) {
  const auto found = entries_.find(key);
  SOCKHOOK_CHECK(found != entries_.end() && found->second.state == State::kRunning);
  return found->second;
}

// ---- what Redis is told

void ClaimStore::ask(Entry& entry) {
  entry.state = State::kAsking;
  entry.fingerprint = entry.waiters.front().fingerprint;
  entry.node = scope_.node;
  const std::string ttl = std::to_string(kRememberMs);
  run(entry, Script::kClaim, {entry.node, view_of(entry.fingerprint), ttl});
}

void ClaimStore::end(Entry& entry) {
  if (entry.state != State::kEnding) entry.end_ms = scope_.loop.now_ms() + kRememberMs;
  entry.state = State::kEnding;
  if (!entry.answer) {
    run(entry, Script::kAbandon, {entry.node});
    return;
  }
  const std::string ttl = std::to_string(kRememberMs);
  const std::string status = std::to_string(entry.answer->status);
  run(entry, Script::kSettle,
      {entry.node, ttl, view_of(entry.fingerprint), status, entry.answer->body});
}

void ClaimStore::run(Entry& entry, Script script, const std::vector<std::string_view>& arguments) {
  const Shard shard = scope_.keys.shard_of(entry.key);
  const std::string dead = scope_.keys.dead(shard, entry.node);
  const std::string claim = scope_.keys.claim(shard, entry.key);
  const std::string up = scope_.keys.up(shard);
  std::vector<std::string_view> keys{dead, claim};
  if (script == Script::kClaim) keys.push_back(up);
  commands_.emplace(++last_command_, entry.key);
  scope_.run(shard, script, keys, arguments, last_command_, this);
}

// ---- what Redis answers: whoever is told may call back, so that nothing is touched afterwards

void ClaimStore::on_reply(redis::Ticket command, redis::Fate fate, const redis::Reply& reply) {
  const auto asked = commands_.extract(command);
  SOCKHOOK_CHECK(!asked.empty());
  Entry& entry = entries_.at(asked.mapped());
  // That an earlier life is over is known.
  const bool is_of_this_life = entry.node == scope_.node;
  if (entry.state == State::kAsking) {
    on_asked(entry, fate, reply);
  } else {
    on_ended(entry, fate, reply);
  }
  if (is_of_this_life) pass_on_fence(scope_, reply);
}

void ClaimStore::on_asked(Entry& entry, redis::Fate fate, const redis::Reply& reply) {
  const std::int64_t* const code = reply.at(0).integer();
  if (fate != redis::Fate::kAnswered || code == nullptr) {
    finish(entry, ClaimResult::kUnavailable, {});
    return;
  }
  switch (static_cast<Answer>(*code)) {
    case Answer::kMine:
      become_running(entry);
      break;
    case Answer::kRemembered:
      finish(entry, ClaimResult::kRemembered, parse_answer(reply));
      break;
    case Answer::kConflict:
      refuse_asked(entry);
      break;
    case Answer::kRunning:
      poll(entry);
      break;
  }
}

void ClaimStore::become_running(Entry& entry) {
  entry.state = State::kRunning;
  const std::vector<Waiter> others = take_others(entry);
  const Waiter first = entry.waiters.front();
  entry.waiters.erase(entry.waiters.begin());
  first.listener->on_claim(first.ticket, ClaimResult::kMine, {});
  tell(others, ClaimResult::kConflict, {});
}

// The key came with another request: maybe with that of those who came after the one asked for.
void ClaimStore::refuse_asked(Entry& entry) {
  std::vector<Waiter> others = take_others(entry);
  const std::vector<Waiter> refused = std::exchange(entry.waiters, std::move(others));
  if (entry.waiters.empty()) {
    forget(entry);
  } else {
    ask(entry);
  }
  tell(refused, ClaimResult::kConflict, {});
}

void ClaimStore::poll(Entry& entry) {
  if (scope_.loop.now_ms() >= entry.end_ms) {
    finish(entry, ClaimResult::kUnavailable, {});
    return;
  }
  entry.state = State::kPolling;
  scope_.loop.deadlines().arm(entry.deadline, scope_.jitter(kPollMinMs, kPollMaxMs));
  tell(take_others(entry), ClaimResult::kConflict, {});
}

void ClaimStore::on_ended(Entry& entry, redis::Fate fate, const redis::Reply& reply) {
  const std::uint64_t now_ms = scope_.loop.now_ms();
  const bool is_heard = fate == redis::Fate::kAnswered && !reply.is_error();
  if (is_heard && !entry.waiters.empty()) {
    entry.end_ms = now_ms + kWaitMs;
    ask(entry);
    return;
  }
  const std::vector<Waiter> waiters = std::exchange(entry.waiters, {});
  if (is_heard || reply.is_error("FENCED") || now_ms >= entry.end_ms) {
    forget(entry);
  } else {
    scope_.loop.deadlines().arm(entry.deadline, scope_.jitter(kRetryMs, 2 * kRetryMs));
  }
  tell(waiters, ClaimResult::kUnavailable, {});
}

void ClaimStore::on_due(Entry& entry) {
  if (entry.state == State::kPolling) {
    ask(entry);
  } else {
    end(entry);
  }
}

// ---- whoever waits

// Takes out those whose request is another than the entry's.
std::vector<ClaimStore::Waiter> ClaimStore::take_others(Entry& entry) {
  std::vector<Waiter> others;
  std::erase_if(entry.waiters, [&](const Waiter& waiter) {
    const bool is_other = waiter.fingerprint != entry.fingerprint;
    if (is_other) others.push_back(waiter);
    return is_other;
  });
  return others;
}

// The entry is erased; those with other requests than the entry's are in conflict with an answer.
void ClaimStore::finish(Entry& entry, ClaimResult result, const RememberedAnswer& answer) {
  const std::vector<Waiter> others = take_others(entry);
  const std::vector<Waiter> waiters = std::move(entry.waiters);
  forget(entry);
  tell(waiters, result, answer);
  tell(others, answer.status != 0 ? ClaimResult::kConflict : result, {});
}

void ClaimStore::forget(Entry& entry) { entries_.erase(Digest(entry.key)); }

void ClaimStore::tell(const std::vector<Waiter>& waiters, ClaimResult result,
                      const RememberedAnswer& answer) {
  for (const Waiter& waiter : waiters) waiter.listener->on_claim(waiter.ticket, result, answer);
}

}  // namespace sockhook::backplane
