// WriteQueue: bytes that wait to be written, in order. Shared ones are not copied.
//
// Owner: a stream, which makes one only while it has to wait. Limit: its writers'.

#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "proxy/net/stream.h"

namespace sockhook::net {

// What is left of `head` and `body` when their first `written` bytes are gone.
SharedBytes rest_of(std::string_view head, std::string_view body, std::size_t written);

class WriteQueue {
 public:
  // One batch of a write is this much, or one item that is larger: what waits behind it is what
  // `queued_bytes` counts, so the batch bounds what a limit on the queue does not see.
  static constexpr std::size_t kBatchBytes = 64 * 1024;
  static constexpr std::size_t kBatchItems = 512;

  struct Item {
    SharedBytes bytes;
    std::size_t offset;
    std::string_view rest() const { return std::string_view(*bytes).substr(offset); }
  };

  // `bytes` from `offset` on; something must be left of them.
  void push(SharedBytes bytes, std::size_t offset);

  bool empty() const { return bytes_ == 0; }
  std::size_t bytes() const { return bytes_; }
  std::size_t items() const { return items_.size() - from_; }
  std::string_view at(std::size_t item) const { return items_[from_ + item].rest(); }
  std::string_view front() const { return at(0); }
  Item pop_front();
  // The first `bytes` have been written.
  void drop_front(std::size_t bytes);

 private:
  std::vector<Item> items_;
  std::size_t from_ = 0;  // items before it are gone
  std::size_t bytes_ = 0;
};

}  // namespace sockhook::net
