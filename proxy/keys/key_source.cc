#include "proxy/keys/key_source.h"

#include <utility>

#include "proxy/observe/log.h"

namespace sockhook::keys {
namespace {

using observe::Level;
using observe::LogLine;

constexpr std::size_t kMaxLoggedIds = 256;

std::string ids_of(const auth::KeySet& set) {
  std::string ids;
  for (const auth::VerificationKey& key : set.keys()) {
    if (!ids.empty()) ids += ' ';
    ids += key.id().empty() ? "-" : key.id();
  }
  return ids;
}

uint64_t size_of(const IssuerKeys::Set& set) { return set ? set->keys().size() : 0; }

}  // namespace

KeySource::KeySource(const net::Loop& loop, std::string name, IssuerKeysPtr keys,
                     KeyListener* listener)
    : loop_(loop),
      name_(std::move(name)),
      keys_(std::move(keys)),
      listener_(listener),
      read_at_ms_(loop.now_ms()) {
  if (const IssuerKeys::Set set = keys_->current()) ids_ = ids_of(*set);
}

bool KeySource::end(const Result<std::string, std::string>& text) {
  auto set = text ? auth::KeySet::from_jwks(*text)
                  : Result<auth::KeySet, std::string>(Failure{text.error()});
  if (set) {
    on_good(std::make_shared<const auth::KeySet>(std::move(*set)));
  } else {
    on_failed(set.error());
  }
  listener_->on_keys_refreshed(*keys_);
  return set.has_value();
}

void KeySource::on_good(IssuerKeys::Set set) {
  ++good_;
  read_at_ms_ = loop_.now_ms();
  std::string ids = ids_of(*set);
  if (ids != ids_ || !error_.empty()) {
    LogLine(Level::kInfo, "keys of an issuer read")
        .field("source", name_)
        .field("keys", size_of(set))
        .field("ids", std::string_view(ids).substr(0, kMaxLoggedIds));
  }
  ids_ = std::move(ids);
  error_.clear();
  keys_->end(std::move(set));
}

void KeySource::on_failed(const std::string& error) {
  ++failed_;
  if (error != error_) {
    LogLine(Level::kWarn, "keys of an issuer cannot be read")
        .field("source", name_)
        .field("error", error)
        .field("keys", size_of(keys_->current()));
  }
  error_ = error;
  keys_->end(nullptr);
}

observe::KeyFacts KeySource::facts() const {
  constexpr double kMilliseconds = 1e3;
  observe::KeyFacts facts;
  facts.source = name_;
  facts.keys = size_of(keys_->current());
  facts.age_seconds = static_cast<double>(loop_.now_ms() - read_at_ms_) / kMilliseconds;
  facts.good_reads = good_;
  facts.failed_reads = failed_;
  return facts;
}

}  // namespace sockhook::keys
