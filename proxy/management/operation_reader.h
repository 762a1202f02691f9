// OperationReader: carries out what backends have put into the stream of operations, as if it had
// come to the management API from a caller who may do everything.
//
// Operations with the same key go one after the other through one OperationLane; different lanes
// do not wait for one another. Each is answered to the stream exactly once: with the outcome of its
// call, with 400 or 413 if the entry cannot be read, or given back unstarted when the stream was
// withdrawn or this node retires.
//
// Owner: the Control, which destroys it only after on_operations_stopped. Thread: the control
// loop's.

#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "backplane/redis/operation_stream.h"
#include "conf/config.h"
#include "proxy/management/operation_lane.h"
#include "proxy/observe/metrics.h"

namespace sockhook::management {

class OperationReaderOwner {
 public:
  virtual void on_operations_stopped() = 0;

 protected:
  ~OperationReaderOwner() = default;
};

class OperationReader final : redis::OperationStreamListener, LaneOwner {
 public:
  // An outcome's body; a longer one is answered 413.
  static constexpr std::size_t kMaxBodyBytes = std::size_t{1} << 20U;

  // `config` has backplane.redis. `node` tells this node from others, and this life of it from its
  // earlier ones.
  OperationReader(net::Loop& loop, const conf::Config& config, std::string node, ManagementApi& api,
                  observe::ControlMetrics& metrics, OperationReaderOwner* owner);
  OperationReader(const OperationReader&) = delete;
  OperationReader& operator=(const OperationReader&) = delete;

  void start() { stream_.start(); }
  // Takes no more operations; what is under way goes on, and then another node may read.
  void retire();
  // Gives up what is under way; on_operations_stopped() follows.
  void stop() { stream_.stop(); }

  const redis::OperationStream& stream() const { return stream_; }

 private:
  void take(redis::StreamedOperation& source);
  void refuse(const redis::StreamedOperation& source, int status, const std::string& why);
  OperationLane& lane_of(const std::string& key);
  void withdraw_all();

  // redis::OperationStreamListener
  void on_operations(std::vector<redis::StreamedOperation> operations) override;
  void on_withdrawn() override { withdraw_all(); }
  void on_stopped() override { owner_->on_operations_stopped(); }
  // LaneOwner
  void on_operation_answered(const LaneOperation& operation, const Answer& answer) override;
  void on_operation_retried() override;
  void on_operation_dropped(const LaneOperation& operation) override;
  void on_lane_empty(OperationLane& lane) override { lanes_.erase(lanes_.find(lane.key())); }

  net::Loop& loop_;
  ManagementApi& api_;
  observe::ControlMetrics& metrics_;
  OperationReaderOwner* const owner_;
  bool is_retired_ = false;
  redis::OperationStream stream_;
  std::unordered_map<std::string, std::unique_ptr<OperationLane>> lanes_;
};

}  // namespace sockhook::management
