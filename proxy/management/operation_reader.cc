#include "proxy/management/operation_reader.h"

#include <utility>

#include "protocol/http/target.h"
#include "proxy/management/api_error.h"
#include "proxy/management/operations.h"
#include "proxy/observe/log.h"

namespace sockhook::management {
namespace {

using observe::OperationResult;

// What a path is about: "/v1/groups/g/..." is about "groups" and "g".
struct Subject {
  std::string key;
  bool is_one_connection;
};

Subject subject_of(const std::string& path) {
  const ApiPath parsed = ApiPath::parse(http::split_target(path).path);
  const std::vector<std::string>& segments = parsed.segments;
  const auto is = [&](std::size_t index, std::string_view text) {
    return index < segments.size() && segments[index] == text;
  };
  if (segments.size() < 3) return {path.substr(0, path.find('?')), false};
  return {segments[1] + "/" + segments[2],
          is(1, "connections") || (is(1, "groups") && is(3, "connections") && segments.size() > 4)};
}

std::optional<redis::OperationOutcome> outcome_of(const std::string& reply, int status,
                                                  std::string body) {
  if (!redis::OperationStream::is_valid_reply(reply)) return {};
  return redis::OperationOutcome{reply, status, std::move(body)};
}

}  // namespace

OperationReader::OperationReader(net::Loop& loop, const conf::Config& config, std::string node,
                                 ManagementApi& api, observe::ControlMetrics& metrics,
                                 OperationReaderOwner* owner)
    : loop_(loop),
      api_(api),
      metrics_(metrics),
      owner_(owner),
      // Twice: a message grows when it is written as JSON or base64.
      stream_(loop, *config.backplane.redis, std::move(node),
              2 * config.listen.management.body_size, this) {}

void OperationReader::retire() {
  is_retired_ = true;
  withdraw_all();
  stream_.retire();
}

void OperationReader::withdraw_all() {
  std::vector<OperationLane*> lanes;
  lanes.reserve(lanes_.size());
  for (const auto& [key, lane] : lanes_) lanes.push_back(lane.get());
  for (OperationLane* lane : lanes) lane->withdraw();
}

void OperationReader::on_operations(std::vector<redis::StreamedOperation> operations) {
  for (redis::StreamedOperation& operation : operations) {
    if (is_retired_) {
      stream_.give_back(operation.entry);
    } else {
      take(operation);
    }
  }
}

void OperationReader::take(redis::StreamedOperation& source) {
  if (source.is_oversized) return refuse(source, 413, "the operation is too long");
  if (!source.op) return refuse(source, 400, "the entry has no field op");
  if (!source.reply.empty() && !redis::OperationStream::is_valid_reply(source.reply)) {
    return refuse(source, 400, "the name in reply is malformed");
  }
  Result<BatchLine, std::string> line = parse_batch_line(*source.op);
  if (!line) return refuse(source, 400, line.error());
  const Subject subject = subject_of(line->path);
  const bool is_send_to_many = !subject.is_one_connection && line->method == "POST";
  // A key of the backend's own cannot meet one that was derived.
  const std::string key = source.key.empty() ? subject.key : "=" + source.key;
  lane_of(key).add(
      {std::move(source.entry), std::move(source.reply), std::move(*line), is_send_to_many});
}

void OperationReader::refuse(const redis::StreamedOperation& source, int status,
                             const std::string& why) {
  observe::LogLine(observe::Level::kWarn, "an entry of the stream of operations is malformed")
      .field("entry", source.entry)
      .field("reason", why);
  metrics_.operations[OperationResult::kMalformed].add();
  const ErrorCode code = status == 413 ? ErrorCode::kTooLarge : ErrorCode::kBadRequest;
  Answer answer = to_answer({code, why}, Dialect::kSockhook);
  stream_.finish(source.entry, outcome_of(source.reply, status, std::move(answer.body)));
}

OperationLane& OperationReader::lane_of(const std::string& key) {
  std::unique_ptr<OperationLane>& lane = lanes_[key];
  if (!lane)
    lane = std::make_unique<OperationLane>(loop_, api_, key, static_cast<LaneOwner*>(this));
  return *lane;
}

void OperationReader::on_operation_answered(const LaneOperation& operation, const Answer& answer) {
  const bool is_done = answer.status < 400;
  metrics_.operations[is_done ? OperationResult::kDone : OperationResult::kRejected].add();
  if (answer.body.size() <= kMaxBodyBytes) {
    return stream_.finish(operation.entry, outcome_of(operation.reply, answer.status, answer.body));
  }
  Answer too_long = to_answer({ErrorCode::kTooLarge, "the answer is too long for an outcome"},
                              Dialect::kSockhook);
  stream_.finish(operation.entry,
                 outcome_of(operation.reply, too_long.status, std::move(too_long.body)));
}

void OperationReader::on_operation_retried() {
  metrics_.operations[OperationResult::kRetried].add();
}

void OperationReader::on_operation_dropped(const LaneOperation& operation) {
  stream_.give_back(operation.entry);
}

}  // namespace sockhook::management
