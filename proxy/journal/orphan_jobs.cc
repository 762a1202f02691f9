#include "proxy/journal/orphan_jobs.h"

#include <utility>

#include "protocol/websocket/close_code.h"
#include "proxy/journal/record_codec.h"
#include "proxy/net/loop.h"
#include "proxy/observe/log.h"

namespace sockhook::journal {
namespace {

Ending lost_with_its_node() {
  return {websocket::close_code::kAbnormal, "node lost", webhook::ClosedBy::kProxy,
          net::Loop::wall_ms()};
}

}  // namespace

void OrphanJobs::adopt(const AdoptOrphans& orphans) {
  const auto owner = std::make_shared<const std::string>(orphans.owner.name);
  for (const backplane::Record& record : orphans.records) {
    // What is settled later is told by the id alone.
    const bool is_of_owner = record.id.node_key() == orphans.owner.key;
    const auto job =
        is_of_owner ? job_of(record, owner) : Failure{std::string("the id is of another node")};
    if (job) {
      next_.start(*job);
      continue;
    }
    observe::LogLine(observe::Level::kError, "$disconnect of a dead node's connection given up")
        .field("connection", record.id.view())
        .field("node", *owner)
        .field("why", job.error());
    journal_.finish_orphan(orphans.owner.key, record.id);
  }
}

Result<routing::WebhookJob, std::string> OrphanJobs::job_of(
    const backplane::Record& record, const std::shared_ptr<const std::string>& owner) const {
  auto decoded = decode_record(record.id, record.data);
  if (!decoded) return Failure{"malformed record: " + decoded.error()};
  const routing::EndpointPtr endpoint = routes_.find_by_name(decoded->endpoint);
  if (endpoint == nullptr) return Failure{"no such endpoint: " + decoded->endpoint};
  if (endpoint->disconnect == nullptr) {
    return Failure{"no route for $disconnect: " + decoded->endpoint};
  }
  Ending ending = decoded->ending ? std::move(*decoded->ending) : lost_with_its_node();
  decoded->facts->endpoint = endpoint;
  decoded->facts->owner = owner;
  routing::WebhookJob job;
  job.facts = std::move(decoded->facts);
  job.route = endpoint->disconnect;
  job.kind = webhook::EventKind::kDisconnect;
  job.time_ms = ending.at_ms;
  job.close_code = ending.code;
  job.close_reason = std::move(ending.reason);
  job.closed_by = ending.by;
  return job;
}

}  // namespace sockhook::journal
