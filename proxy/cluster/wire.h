// Wire: values as bytes, and back: what messages between nodes are made of.
//
// Numbers are little-endian and of fixed width, texts and lists have a 32-bit length in front.
// Reading never leaves the bytes that are there: after the first value that does not fit,
// is_broken() is true and every further value is empty. A list's length is believed only as far as
// bytes follow.
//
// Values; any thread.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace sockhook::cluster {

class WireWriter {
 public:
  template <typename T>
  void number(T value) {
    static_assert(std::is_integral_v<T>);
    auto bits = static_cast<std::make_unsigned_t<T>>(value);
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      bytes_ += static_cast<char>(bits & 0xFF);
      if constexpr (sizeof(T) > 1) bits = static_cast<std::make_unsigned_t<T>>(bits >> 8);
    }
  }
  void flag(bool value) { number(static_cast<std::uint8_t>(value)); }
  void text(std::string_view value) {
    number(static_cast<std::uint32_t>(value.size()));
    bytes_.append(value);
  }
  // Of known length: nothing stands in front.
  void raw(std::string_view value) { bytes_.append(value); }
  void reserve(std::size_t bytes) { bytes_.reserve(bytes); }

  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : rest_(bytes) {}

  bool is_broken() const { return is_broken_; }
  // All has been read, and all of it fitted.
  bool is_done() const { return !is_broken_ && rest_.empty(); }

  template <typename T>
  T number() {
    static_assert(std::is_integral_v<T>);
    const std::string_view bytes = raw(sizeof(T));
    std::make_unsigned_t<T> bits = 0;
    for (std::size_t i = bytes.size(); i-- > 0;) {
      if constexpr (sizeof(T) > 1) bits = static_cast<std::make_unsigned_t<T>>(bits << 8);
      bits = static_cast<std::make_unsigned_t<T>>(bits | static_cast<std::uint8_t>(bytes[i]));
    }
    return static_cast<T>(bits);
  }
  bool flag() {
    const auto value = number<std::uint8_t>();
    if (value > 1) fail();
    return value == 1;
  }
  std::string_view text() { return raw(number<std::uint32_t>()); }
  std::string_view raw(std::size_t size) {
    if (size > rest_.size()) {
      fail();
      return {};
    }
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  // The length of a list whose elements are at least one byte each.
  std::size_t count() {
    const auto count = number<std::uint32_t>();
    if (count > rest_.size()) fail();
    return is_broken_ ? 0 : count;
  }
  // An enum's value, of those up to `last`.
  template <typename Enum>
  Enum choice(Enum last) {
    const auto value = number<std::uint8_t>();
    if (value > static_cast<std::uint8_t>(last)) fail();
    return is_broken_ ? Enum{} : static_cast<Enum>(value);
  }

  void fail() {
    is_broken_ = true;
    rest_ = {};
  }

 private:
  std::string_view rest_;
  bool is_broken_ = false;
};

}  // namespace sockhook::cluster
