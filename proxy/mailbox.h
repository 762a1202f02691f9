// Mailbox<T>: how threads exchange closed, typed messages: one bounded queue and one wake-up.
//
// Any thread may post; the owner's loop takes all that has come as one batch, in order. Messages
// of one sender arrive in the order in which it posted them.
// A full mailbox refuses the message and the poster answers for it ("overloaded").
//
// Owner: the receiving Worker or Control, which closes it before its loop ends.

#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "proxy/net/loop.h"
#include "proxy/net/wake_up.h"

namespace sockhook {

template <typename T>
class Mailbox final : net::WakeUpListener {
 public:
  static constexpr std::size_t kCapacity = 64 * 1024;
  static constexpr std::size_t kMaxSpare = 1024;
  using Handler = std::function<void(std::vector<T>&)>;

  Mailbox(net::Loop& loop, Handler handler)
      : handler_(std::move(handler)), wake_up_(loop, static_cast<net::WakeUpListener*>(this)) {}
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  // False when the mailbox is full or closed: the message is left as it is. Any thread.
  [[nodiscard]] bool post(T&& message) {
    bool is_first = false;
    {
      std::lock_guard lock(mutex_);
      if (is_closed_ || messages_.size() >= kCapacity) return false;
      messages_.push_back(std::move(message));
      is_first = messages_.size() == 1;
    }
    // Outside the lock: the woken thread would wait for it.
    if (is_first) wake_up_.wake();
    return true;
  }

  // Owner's thread. What has not been taken yet is handed to the handler first.
  void close() {
    deliver();
    std::lock_guard lock(mutex_);
    if (std::exchange(is_closed_, true)) return;
    wake_up_.close();
  }

 private:
  void on_wake_up() override { deliver(); }

  // A batch of its own for each call: a handler may close the mailbox.
  void deliver() {
    std::vector<T> taken = std::exchange(spare_, {});
    {
      std::lock_guard lock(mutex_);
      taken.swap(messages_);
    }
    if (!taken.empty()) handler_(taken);
    taken.clear();
    if (taken.capacity() <= kMaxSpare) spare_ = std::move(taken);
  }

  Handler handler_;
  net::WakeUp wake_up_;
  std::mutex mutex_;
  std::vector<T> messages_;
  std::vector<T> spare_;  // an empty vector's memory, for the next batch
  bool is_closed_ = false;
};

}  // namespace sockhook
