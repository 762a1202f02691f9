// A $connect waits for its record, but not for long.

#include "proxy/journal/journaled_jobs.h"

#include "tests/proxy/journal/journal_fixture.h"

namespace sockhook::journal {
namespace {

struct StartedJobs final : routing::WebhookJobs {
  void start(const routing::WebhookJob& job) override { jobs.emplace_back(job); }
  std::vector<routing::OwnedJob> jobs;
};

class JournaledJobsTest : public JournalTest {
 protected:
  routing::WebhookJob connect_job() {
    routing::WebhookJob job;
    job.facts = make_facts();
    job.route = job.facts->endpoint->connect;
    job.kind = webhook::EventKind::kConnect;
    job.handshake = &handshake;
    job.query = "token=1";
    return job;
  }
  backplane::Ticket ticket_told() {
    turn();
    return told.back().records.back().ticket;
  }

  http::Headers handshake{{"X-Mine", "1"}};
  StartedJobs next;
  JournaledJobs jobs{runner.loop(), journal(), next};
};

TEST_F(JournaledJobsTest, AConnectGoesWhenItsRecordIsWritten) {
  {
    http::Headers gone = handshake;
    routing::WebhookJob job = connect_job();
    job.handshake = &gone;
    jobs.start(job);
  }
  const backplane::Ticket ticket = ticket_told();
  EXPECT_NE(ticket, 0U);
  EXPECT_THAT(next.jobs, IsEmpty());
  EXPECT_EQ(jobs.held(), 1U);
  jobs.on_record_written(ticket);
  ASSERT_EQ(next.jobs.size(), 1U);
  EXPECT_EQ(*next.jobs[0]->handshake->find("X-Mine"), "1") << "kept while it was held";
  EXPECT_EQ(next.jobs[0]->query, "token=1");
  runner.run_for(300);
  EXPECT_EQ(next.jobs.size(), 1U) << "once";
}

TEST_F(JournaledJobsTest, EachWaitsForItsOwnRecord) {
  jobs.start(connect_job());
  const backplane::Ticket first = ticket_told();
  const routing::WebhookJob second = connect_job();
  jobs.start(second);
  jobs.on_record_written(ticket_told());
  ASSERT_EQ(next.jobs.size(), 1U);
  EXPECT_EQ(next.jobs[0]->facts->id, second.facts->id);
  jobs.on_record_written(first + 1000);
  EXPECT_EQ(next.jobs.size(), 1U) << "nobody waits for that";
}

TEST_F(JournaledJobsTest, NoConnectWaitsLongerThanItMay) {
  jobs.start(connect_job());
  runner.run_for(100);
  jobs.start(connect_job());
  EXPECT_THAT(next.jobs, IsEmpty());
  ASSERT_TRUE(runner.run_until([&] { return next.jobs.size() == 1; }, 250));
  runner.run_for(30);
  EXPECT_EQ(next.jobs.size(), 1U) << "the second has come later";
  EXPECT_TRUE(runner.run_until([&] { return next.jobs.size() == 2; }, 250));
}

TEST_F(JournaledJobsTest, EverythingElsePasses) {
  routing::WebhookJob message = connect_job();
  message.kind = webhook::EventKind::kMessage;
  message.payload = "hi";
  jobs.start(message);
  jobs.start(disconnect_of(make_facts()));
  EXPECT_EQ(next.jobs.size(), 2U);
  turn();
  EXPECT_THAT(told, IsEmpty());
}

TEST_F(JournaledJobsTest, AConnectWithoutADisconnectHasNothingToWaitFor) {
  config.endpoints[0].routes.disconnect.reset();
  jobs.start(connect_job());
  EXPECT_EQ(next.jobs.size(), 1U);
  turn();
  EXPECT_THAT(told, IsEmpty());
}

TEST_F(JournaledJobsTest, WhatIsCancelledNeverGoes) {
  jobs.start(connect_job());
  const backplane::Ticket ticket = ticket_told();
  jobs.cancel_all();
  jobs.on_record_written(ticket);
  runner.run_for(300);
  EXPECT_THAT(next.jobs, IsEmpty());
}

}  // namespace
}  // namespace sockhook::journal
