#include "proxy/net/write_queue.h"

#include <utility>

namespace sockhook::net {

SharedBytes rest_of(std::string_view head, std::string_view body, std::size_t written) {
  auto rest = std::make_shared<std::string>();
  rest->reserve(head.size() + body.size() - written);
  if (written < head.size()) rest->append(head.substr(written));
  rest->append(body.substr(written < head.size() ? 0 : written - head.size()));
  return rest;
}

void WriteQueue::push(SharedBytes bytes, std::size_t offset) {
  bytes_ += bytes->size() - offset;
  items_.push_back({std::move(bytes), offset});
}

WriteQueue::Item WriteQueue::pop_front() {
  Item item = std::move(items_[from_++]);
  bytes_ -= item.rest().size();
  if (from_ == items_.size()) {
    items_.clear();
    from_ = 0;
  } else if (from_ > items_.size() / 2) {
    items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(from_));
    from_ = 0;
  }
  return item;
}

void WriteQueue::drop_front(std::size_t bytes) {
  while (bytes > 0) {
    const std::size_t rest = front().size();
    if (bytes < rest) {
      items_[from_].offset += bytes;
      bytes_ -= bytes;
      return;
    }
    bytes -= rest;
    pop_front();
  }
}

}  // namespace sockhook::net
