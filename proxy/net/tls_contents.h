// TlsContents: cuts what is to be written into the contents of TLS records: small parts go together
// into one record, large ones are taken where they lie.

#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>

#include "proxy/net/tls_buffers.h"

namespace sockhook::net {

class TlsContents {
 public:
  explicit TlsContents(std::span<const std::string_view> parts) : parts_(parts) { skip_empty(); }

  bool empty() const { return parts_.empty(); }
  std::size_t taken() const { return taken_; }

  // Of the next record, which is not empty; lies in `buffer` where it is made of several parts.
  std::string_view next(std::array<char, TlsBuffers::kRecordBytes>& buffer) {
    const std::string_view whole = front();
    if (parts_.size() == 1 || whole.size() >= buffer.size()) {
      const std::string_view content = whole.substr(0, buffer.size());
      take(content.size());
      return content;
    }
    std::size_t size = 0;
    while (!empty() && size < buffer.size()) {
      const std::string_view part = front().substr(0, buffer.size() - size);
      std::memcpy(buffer.data() + size, part.data(), part.size());
      size += part.size();
      take(part.size());
    }
    return {buffer.data(), size};
  }

 private:
  std::string_view front() const { return parts_.front().substr(offset_); }
  void take(std::size_t bytes) {
    taken_ += bytes;
    offset_ += bytes;
    skip_empty();
  }
  void skip_empty() {
    while (!parts_.empty() && offset_ == parts_.front().size()) {
      parts_ = parts_.subspan(1);
      offset_ = 0;
    }
  }

  std::span<const std::string_view> parts_;
  std::size_t offset_ = 0;  // in the first part
  std::size_t taken_ = 0;
};

}  // namespace sockhook::net
