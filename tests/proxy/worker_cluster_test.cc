// A worker and the control of a clustered node, each on its thread (contract 8).

#include "proxy/journal/record_codec.h"
#include "tests/proxy/worker_fixture.h"

namespace sockhook {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class WorkerClusterTest : public WorkerTest {};

TEST_F(WorkerClusterTest, AConnectIsSentOnceItsRecordIsWritten) {
  SocketClient& client = connect();
  ASSERT_TRUE(until([&] { return hears<JournalEntries>(); }));
  EXPECT_THAT(requests(), IsEmpty());
  const auto records = answer_records();
  ASSERT_EQ(records.size(), 1U);
  ASSERT_TRUE(until([&] { return client.status() == "101"; }));
  EXPECT_THAT(requests(), ElementsAre("/connect"));
  EXPECT_EQ(backend->requests[0].header("ce-connectionid"), records[0].record.id.view());
}

TEST_F(WorkerClusterTest, AConnectIsSentWithoutARecordWhenTheClusterIsSilent) {
  SocketClient& client = connect();
  EXPECT_TRUE(until([&] { return client.status() == "101"; }, 1000));
}

TEST_F(WorkerClusterTest, ARecordGoesWhenItsDisconnectHasArrived) {
  SocketClient& client = open();
  client.close();
  ASSERT_TRUE(until([&] { return hears<JournalEntries>(); }));
  EXPECT_THAT(requests(), ElementsAre("/connect", "/disconnect"));
  const auto records = take_records();
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].record.data, "");
}

TEST_F(WorkerClusterTest, ANewLifeClosesAllAndLetsNewOnesIn) {
  SocketClient& old = open();
  SocketClient& waiting = connect();
  ASSERT_TRUE(until([&] { return hears<JournalEntries>(); }));
  heard.clear();
  const auto ids = std::make_shared<const webhook::IdScheme>(Node::fresh_ids());
  post(BeginNewLife{ids});
  ASSERT_TRUE(until([&] { return hears<NewLifeBegun>(); }));
  ASSERT_TRUE(until([&] { return waiting.status() == "503" && !old.frames().empty(); }));
  EXPECT_THAT(old.frames(), ElementsAre("close 1012 node lost"));
  heard.clear();
  open();
  EXPECT_EQ(
      webhook::ConnectionId::parse(backend->requests.back().header("ce-connectionid"))->node_key(),
      ids->node_key());
  old.close();
  run_for(100);
  EXPECT_THAT(requests(), ElementsAre("/connect", "/connect")) << "no end of the old ones is told";
}

TEST_F(WorkerClusterTest, OrphansEndInTheNameOfTheirNode) {
  node();
  const webhook::IdScheme other = Node::fresh_ids();
  routing::ConnectionFacts facts;
  facts.id = other.make({0, 3}, {});
  facts.endpoint = node().routes.endpoints()[0];
  facts.user = "ann";
  post(AdoptOrphans{{other.node_key(), "gw-2"}, {{facts.id, journal::encode_record(facts)}}});
  ASSERT_TRUE(until([&] { return hears<JournalEntries>(); }));
  const JournalEntries& entries = std::get<JournalEntries>(heard.back());
  ASSERT_EQ(entries.orphans.size(), 1U);
  EXPECT_EQ(entries.orphans[0].id, facts.id);
  EXPECT_EQ(entries.orphans[0].owner, other.node_key());
  ASSERT_THAT(requests(), ElementsAre("/disconnect"));
  EXPECT_EQ(backend->requests[0].header("ce-source"), "/nodes/gw-2/endpoints/chat");
  EXPECT_EQ(backend->requests[0].header("ce-id"), facts.id.to_string() + "-end");
  EXPECT_EQ(backend->requests[0].header("ce-userid"), "ann");
  EXPECT_EQ(backend->requests[0].header("ce-closecode"), "1006");
}

TEST_F(WorkerClusterTest, ADrainingNodeTakesNoOrphans) {
  node();
  const webhook::IdScheme other = Node::fresh_ids();
  routing::ConnectionFacts facts;
  facts.id = other.make({0, 3}, {});
  facts.endpoint = node().routes.endpoints()[0];
  post(BeginDrain{0});
  post(AdoptOrphans{{other.node_key(), "gw-2"}, {{facts.id, journal::encode_record(facts)}}});
  ASSERT_TRUE(until([&] { return hears<WorkerDrained>(); }));
  run_for(50);
  EXPECT_THAT(requests(), IsEmpty());
  EXPECT_FALSE(hears<JournalEntries>()) << "it is not finished either";
}

TEST_F(WorkerClusterTest, WhatADrainLeavesIsToldBeforeItsEnd) {
  SocketClient& client = open();
  backend->script = [](const testing::WebhookRequest&) { return testing::hang(); };
  client.close();
  ASSERT_TRUE(until([&] { return requests().size() == 2; }));
  heard.clear();
  post(BeginDrain{0});
  post(EndDrain{});
  ASSERT_TRUE(until([&] { return hears<WorkerDrained>(); }));
  ASSERT_EQ(heard.size(), 2U);
  const auto& entries = std::get<JournalEntries>(heard[0]);
  ASSERT_EQ(entries.records.size(), 1U);
  const auto decoded =
      journal::decode_record(entries.records[0].record.id, entries.records[0].record.data);
  ASSERT_TRUE(decoded && decoded->ending) << "how it ended, for whoever sends it";
  EXPECT_EQ(decoded->ending->code, 1006);
  EXPECT_EQ(decoded->ending->by, webhook::ClosedBy::kClient);
}

TEST_F(WorkerClusterTest, NoWebhookGoesWithoutALease) {
  SocketClient& client = open();
  node().lease_ok_until_ms = 1;
  client.say("hi");
  run_for(150);
  EXPECT_THAT(requests(), ElementsAre("/connect"));
  node().lease_ok_until_ms = UINT64_MAX;
  post(LeaseConfirmed{});
  EXPECT_TRUE(until([&] { return requests().size() == 2; }));
}

TEST_F(WorkerClusterTest, ANodeThatIsCutOffTakesNobodyIn) {
  node().is_cut_off = true;
  SocketClient& client = connect();
  EXPECT_TRUE(until([&] { return client.status() == "503"; }));
}

TEST_F(WorkerClusterTest, RecordsAreToldAgainWhenTheyMayBeLost) {
  open();
  open();
  heard.clear();
  post(TellRecords{});
  std::size_t told = 0;
  EXPECT_TRUE(until([&] {
    told += answer_records().size();
    return told == 2;
  }));
}

}  // namespace
}  // namespace sockhook
