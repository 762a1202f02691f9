// Connections of a dead node become $disconnects of this one.

#include "proxy/journal/orphan_jobs.h"

#include "tests/proxy/journal/journal_fixture.h"

namespace sockhook::journal {
namespace {

struct StartedJobs final : routing::WebhookJobs {
  void start(const routing::WebhookJob& job) override { jobs.push_back(job); }
  std::vector<routing::WebhookJob> jobs;
};

class OrphanJobsTest : public JournalTest {
 protected:
  // A connection that the dead node has had.
  std::shared_ptr<routing::ConnectionFacts> lost() {
    auto facts = make_facts();
    facts->id = other_ids.make({0, 7}, random.bytes<12>());
    facts->user = "ann";
    facts->state = "s1";
    return facts;
  }
  void adopt(std::vector<backplane::Record> records) {
    orphans.adopt({{other_ids.node_key(), "gw-2"}, std::move(records)});
  }
  std::vector<webhook::ConnectionId> finished() {
    turn();
    std::vector<webhook::ConnectionId> all;
    for (const JournalEntries& entries : told) {
      for (const auto& orphan : entries.orphans) {
        EXPECT_EQ(orphan.owner, other_ids.node_key());
        all.push_back(orphan.id);
      }
    }
    return all;
  }

  StartedJobs next;
  OrphanJobs orphans{routes(), journal(), next};
};

TEST_F(OrphanJobsTest, AConnectionThatWasLostWithItsNodeEndsNow) {
  const auto facts = lost();
  const int64_t before_ms = net::Loop::wall_ms();
  adopt({{facts->id, encode_record(*facts)}});
  ASSERT_EQ(next.jobs.size(), 1U);
  const routing::WebhookJob& job = next.jobs[0];
  EXPECT_EQ(job.kind, webhook::EventKind::kDisconnect);
  EXPECT_EQ(job.route, routes().endpoints()[0]->disconnect);
  EXPECT_EQ(job.facts->id, facts->id);
  EXPECT_EQ(job.facts->endpoint, routes().endpoints()[0]);
  EXPECT_EQ(*job.facts->owner, "gw-2");
  EXPECT_EQ(job.facts->user, "ann");
  EXPECT_EQ(job.facts->state, "s1");
  EXPECT_EQ(job.close_code, 1006);
  EXPECT_EQ(job.close_reason, "node lost");
  EXPECT_EQ(job.closed_by, webhook::ClosedBy::kProxy);
  EXPECT_GE(job.time_ms, before_ms);
  EXPECT_THAT(finished(), IsEmpty()) << "only once it is settled";
}

TEST_F(OrphanJobsTest, OneThatHadEndedBeforeEndsAsItDid) {
  const routing::WebhookJob before = disconnect_of(lost());
  adopt({{before.facts->id, encode_record(before)}});
  ASSERT_EQ(next.jobs.size(), 1U);
  EXPECT_EQ(next.jobs[0].close_code, 4001);
  EXPECT_EQ(next.jobs[0].close_reason, "enough");
  EXPECT_EQ(next.jobs[0].closed_by, webhook::ClosedBy::kBackend);
  EXPECT_EQ(next.jobs[0].time_ms, before.time_ms);
}

TEST_F(OrphanJobsTest, WhatNobodyCanBeToldIsFinished) {
  const auto unknown = lost();
  auto elsewhere = std::make_shared<routing::Endpoint>();
  elsewhere->conf.name = "gone";
  unknown->endpoint = elsewhere;
  const auto broken = lost();
  const auto stray = make_facts();
  adopt({{unknown->id, encode_record(*unknown)},
         {broken->id, "garbage"},
         {stray->id, encode_record(*stray)}});
  EXPECT_THAT(next.jobs, IsEmpty());
  EXPECT_THAT(finished(), ElementsAre(unknown->id, broken->id, stray->id));
}

TEST_F(OrphanJobsTest, AnEndpointThatNoLongerHasARouteForDisconnectIsFinished) {
  const auto facts = lost();
  const std::string data = encode_record(*facts);
  conf::Config changed = config;
  changed.endpoints[0].routes.disconnect.reset();
  const routing::RoutingTable changed_routes(changed);
  OrphanJobs here(changed_routes, journal(), next);
  here.adopt({{other_ids.node_key(), "gw-2"}, {{facts->id, data}}});
  EXPECT_THAT(next.jobs, IsEmpty());
  EXPECT_THAT(finished(), ElementsAre(facts->id));
}

}  // namespace
}  // namespace sockhook::journal
