// Input: takes a fuzzer's bytes apart: numbers and texts from the front, in a form in which seeds
// can be written by hand.
//
//   byte()    one byte; 0 at the end
//   line()    up to the next line end, which is dropped, or to the end
//   take(n)   n bytes, or as many as there are
//   rest()    what is left
//
// A stack frame's. Views into the bytes.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sockhook::fuzz {

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size)
      : rest_(reinterpret_cast<const char*>(data), size) {}

  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto value = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }
  std::string_view line() {
    const std::size_t end = std::min(rest_.find('\n'), rest_.size());
    const std::string_view taken = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    return taken;
  }
  std::string_view take(std::size_t size) {
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

// Cuts a text into pieces whose sizes follow from a seed, so that an input says by one byte how it
// arrives. Seed 0: byte by byte.
class Cuts {
 public:
  Cuts(std::string_view text, std::uint8_t seed) : rest_(text), state_(seed) {}

  // In one piece.
  static Cuts whole(std::string_view text) {
    Cuts cuts(text, 0);
    cuts.piece_ = text.size();
    return cuts;
  }

  bool is_done() const { return rest_.empty(); }
  std::string_view next() {
    if (state_ != 0) {
      state_ = state_ * 1664525U + 1013904223U;
      piece_ = 1 + (state_ >> 24U) % 64;
    }
    const std::string_view piece = rest_.substr(0, piece_);
    rest_.remove_prefix(piece.size());
    return piece;
  }

 private:
  std::string_view rest_;
  std::uint32_t state_;
  std::size_t piece_ = 1;
};

}  // namespace sockhook::fuzz
