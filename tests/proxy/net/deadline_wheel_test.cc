#include "proxy/net/deadline_wheel.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "proxy/net/loop.h"

namespace sockhook::net {
namespace {

struct Recorder : DeadlineListener {
  explicit Recorder(Loop& l) : loop(l) {}
  void on_deadline(Deadline& deadline) override {
    fired.push_back(&deadline);
    fired_at_ms.push_back(loop.now_ms());
    if (when_fired) when_fired();
  }
  Loop& loop;
  std::vector<Deadline*> fired;
  std::vector<uint64_t> fired_at_ms;
  std::function<void()> when_fired;
};

TEST(DeadlineWheel, FiresNeverEarlyAndInOrder) {
  Loop loop;
  Recorder recorder(loop);
  Deadline late(&recorder);
  Deadline early(&recorder);
  const uint64_t start_ms = loop.now_ms();
  loop.deadlines().arm(late, 60);
  loop.deadlines().arm(early, 20);
  recorder.when_fired = [&] {
    if (recorder.fired.size() == 2) loop.close();
  };
  // The wheel's timer does not keep a loop alive; a handle of ours does.
  uv_timer_t keep;
  uv_timer_init(loop.uv(), &keep);
  uv_timer_start(
      &keep, [](uv_timer_t* t) { uv_close(reinterpret_cast<uv_handle_t*>(t), nullptr); }, 150, 0);
  loop.run();
  ASSERT_EQ(recorder.fired, (std::vector<Deadline*>{&early, &late}));
  EXPECT_GE(recorder.fired_at_ms[0], start_ms + 20);
  EXPECT_GE(recorder.fired_at_ms[1], start_ms + 60);
}

TEST(DeadlineWheel, ACancelledOrDestroyedDeadlineDoesNotFire) {
  Loop loop;
  Recorder recorder(loop);
  Deadline cancelled(&recorder);
  auto destroyed = std::make_unique<Deadline>(&recorder);
  loop.deadlines().arm(cancelled, 5);
  loop.deadlines().arm(*destroyed, 5);
  cancelled.cancel();
  destroyed.reset();
  uv_timer_t keep;
  uv_timer_init(loop.uv(), &keep);
  uv_timer_start(
      &keep, [](uv_timer_t* t) { uv_close(reinterpret_cast<uv_handle_t*>(t), nullptr); }, 50, 0);
  uv_run(loop.uv(), UV_RUN_DEFAULT);
  EXPECT_TRUE(recorder.fired.empty());
  loop.close();
  loop.run();
}

TEST(DeadlineWheel, ListenersMayRearmAndCancelOthersWhileASlotFires) {
  Loop loop;
  Recorder recorder(loop);
  Deadline first(&recorder);
  Deadline second(&recorder);
  loop.deadlines().arm(first, 5);
  loop.deadlines().arm(second, 5);
  recorder.when_fired = [&] {
    if (recorder.fired.size() == 1) {
      second.cancel();
      loop.deadlines().arm(first, 30);
    } else {
      loop.close();
    }
  };
  uv_timer_t keep;
  uv_timer_init(loop.uv(), &keep);
  uv_timer_start(
      &keep, [](uv_timer_t* t) { uv_close(reinterpret_cast<uv_handle_t*>(t), nullptr); }, 120, 0);
  loop.run();
  EXPECT_EQ(recorder.fired, (std::vector<Deadline*>{&first, &first}));
}

TEST(DeadlineWheel, ADeadlineFurtherThanATurnWaitsForItsTurn) {
  Loop loop;
  Recorder recorder(loop);
  Deadline far(&recorder);
  loop.deadlines().arm(far, DeadlineWheel::kTickMs * DeadlineWheel::kSlots + 20);
  uv_timer_t keep;
  uv_timer_init(loop.uv(), &keep);
  uv_timer_start(
      &keep, [](uv_timer_t* t) { uv_close(reinterpret_cast<uv_handle_t*>(t), nullptr); }, 100, 0);
  uv_run(loop.uv(), UV_RUN_DEFAULT);
  EXPECT_TRUE(recorder.fired.empty());
  far.cancel();
  loop.close();
  loop.run();
}

}  // namespace
}  // namespace sockhook::net
