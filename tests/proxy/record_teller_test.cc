// All records of a worker are told again, a part at a time.

#include "proxy/record_teller.h"

#include <algorithm>

#include "tests/proxy/client/session_fixture.h"

namespace sockhook {
namespace {

class RecordTellerTest : public client::SessionTest,
                         public journal::JournalSink,
                         public routing::WebhookResults {
 protected:
  RecordTellerTest() {
    routes.emplace(config);
    metrics.emplace(config);
    journal_of_worker.emplace(runner.loop(), 3, webhook::NodeKey{},
                              static_cast<journal::JournalSink*>(this));
    journal = &*journal_of_worker;
    webhooks_of_worker.emplace(runner.loop(), "gw-1", routes->signer(), random, *metrics,
                               std::vector<webhooks::WebhookClient::BackendLink>{},
                               static_cast<routing::WebhookResults*>(this),
                               webhooks::WebhookClient::ClusterLink{});
  }
  bool tell(JournalEntries& entries) override {
    last_ticket = entries.records.back().ticket;
    for (const auto& change : entries.records) told.push_back(change.record.id);
    entries = {};
    return true;
  }
  void on_webhook_result(routing::WebhookResult&) override {}

  std::size_t take_told() {
    runner.run_for(5);
    return std::exchange(told, {}).size();
  }
  RecordTeller& teller() {
    if (!teller_) {
      teller_.emplace(runner.loop(), hub(), *webhooks_of_worker, *journal_of_worker);
    }
    return *teller_;
  }

  std::optional<routing::RoutingTable> routes;
  std::optional<observe::WorkerMetrics> metrics;
  Random random;
  std::optional<journal::WorkerJournal> journal_of_worker;
  std::optional<webhooks::WebhookClient> webhooks_of_worker;
  std::vector<webhook::ConnectionId> told;
  backplane::Ticket last_ticket = 0;

 private:
  std::optional<RecordTeller> teller_;
};

constexpr std::size_t kPart = RecordTeller::kSlotsAtOnce;

TEST_F(RecordTellerTest, APartFollowsWhenTheOneBeforeIsWritten) {
  open_many(2 * kPart - 50);
  take_told();
  teller().start();
  EXPECT_EQ(take_told(), kPart);
  EXPECT_EQ(take_told(), 0U) << "the control has not written them yet";
  teller().on_record_written(last_ticket + 1);
  EXPECT_EQ(take_told(), 0U);
  teller().on_record_written(last_ticket);
  EXPECT_EQ(take_told(), kPart - 50);
  teller().on_record_written(last_ticket);
  EXPECT_EQ(take_told(), 0U) << "that was all";
}

TEST_F(RecordTellerTest, AWordThatGetsLostDelaysItOnly) {
  open_many(kPart + 1);
  take_told();
  teller().start();
  EXPECT_EQ(take_told(), kPart);
  EXPECT_TRUE(runner.run_until([&] { return told.size() == 1; }, 1500));
}

TEST_F(RecordTellerTest, SlotsWithoutARecordArePassedOver) {
  const auto clients = open_many(2 * kPart);
  for (std::size_t i = 0; i + 1 < clients.size(); ++i) clients[i]->send_close(1000);
  settle();
  take_told();
  teller().start();
  EXPECT_EQ(take_told(), 1U) << "without a word of the control in between";
}

TEST_F(RecordTellerTest, ItBeginsAnew) {
  open_many(kPart + 1);
  take_told();
  teller().start();
  EXPECT_EQ(take_told(), kPart);
  const backplane::Ticket before = last_ticket;
  teller().start();
  EXPECT_EQ(take_told(), kPart);
  teller().on_record_written(before);
  EXPECT_EQ(take_told(), 0U) << "that was of the first time";
  teller().on_record_written(last_ticket);
  EXPECT_EQ(take_told(), 1U);
}

}  // namespace
}  // namespace sockhook
