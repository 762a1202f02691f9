// What the tests of the journal share: a journal whose control is a list.

#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proxy/journal/record_codec.h"
#include "proxy/journal/worker_journal.h"
#include "proxy/random.h"
#include "tests/support/chat_config.h"
#include "tests/support/loop_runner.h"

namespace sockhook::journal {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class JournalTest : public ::testing::Test, public JournalSink {
 protected:
  bool tell(JournalEntries& entries) override {
    if (!has_room) return false;
    told.push_back(std::move(entries));
    return true;
  }

  const routing::RoutingTable& routes() {
    if (!routes_) routes_.emplace(config);
    return *routes_;
  }
  WorkerJournal& journal() {
    if (!journal_) {
      journal_.emplace(runner.loop(), 3, ids.node_key(), static_cast<JournalSink*>(this));
    }
    return *journal_;
  }
  std::shared_ptr<routing::ConnectionFacts> make_facts() {
    auto facts = std::make_shared<routing::ConnectionFacts>();
    facts->id = ids.make({3, connections_++}, random.bytes<12>());
    facts->endpoint = routes().endpoints()[0];
    facts->client_text = "192.0.2.7";
    facts->host = "example.com:7080";
    facts->user_agent = "agent/1";
    facts->trace = webhook::trace_of_handshake({}, random.bytes<16>());
    facts->handshake_at_ms = 1'700'000'000'123;
    return facts;
  }
  static routing::WebhookJob disconnect_of(const routing::FactsPtr& facts) {
    routing::WebhookJob job;
    job.facts = facts;
    job.route = facts->endpoint->disconnect;
    job.kind = webhook::EventKind::kDisconnect;
    job.time_ms = 1'700'000'009'000;
    job.close_code = 4001;
    job.close_reason = "enough";
    job.closed_by = webhook::ClosedBy::kBackend;
    return job;
  }

  // The loop turn in which the journal speaks.
  void turn() { runner.run_for(3); }
  // What the control has been told since the last call, records as "user/state", "erased" or with
  // how it ended.
  std::vector<std::string> take_records() {
    std::vector<std::string> texts;
    for (const JournalEntries& entries : told) {
      for (const auto& change : entries.records) texts.push_back(text_of(change));
    }
    told.clear();
    return texts;
  }
  static std::string text_of(const JournalEntries::RecordChange& change) {
    if (change.record.data.empty()) return "erased";
    const auto decoded = decode_record(change.record.id, change.record.data);
    if (!decoded) return decoded.error();
    std::string text = decoded->facts->user + "/" + decoded->facts->state;
    if (decoded->ending) text += " " + std::to_string(decoded->ending->code);
    if (change.ticket != 0) text += " #" + std::to_string(change.ticket);
    return text;
  }

  conf::Config config = testing::chat_config();
  testing::LoopRunner runner;
  Random random;
  const webhook::IdScheme ids{webhook::NodeKey{{1, 2, 3, 4, 5, 6}}, {}};
  const webhook::IdScheme other_ids{webhook::NodeKey{{9, 9, 9, 9, 9, 9}}, {}};
  bool has_room = true;
  std::vector<JournalEntries> told;

 private:
  std::optional<routing::RoutingTable> routes_;
  std::optional<WorkerJournal> journal_;
  uint32_t connections_ = 0;
};

}  // namespace sockhook::journal
