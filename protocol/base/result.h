// Result<T, E>: a value, or the reason why there is none. The shape of std::expected, which C++20
// lacks.
//
// Errors travel up as values; the outermost callback decides what to do with them. Exceptions are
// for start-up only.

#pragma once

#include <cassert>
#include <utility>
#include <variant>

namespace sockhook {

template <typename E>
struct Failure {
  E error;
};

template <typename E>
Failure(E) -> Failure<E>;

template <typename T, typename E>
class [[nodiscard]] Result {
 public:
  // Both implicit, so that a function returns either by `return`.
  // NOLINTNEXTLINE(google-explicit-constructor)
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  template <typename F>
  // NOLINTNEXTLINE(google-explicit-constructor)
  Result(Failure<F> failure) : state_(std::in_place_index<1>, std::move(failure.error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& value() { return assert(has_value()), *std::get_if<0>(&state_); }
  const T& value() const { return assert(has_value()), *std::get_if<0>(&state_); }
  T& operator*() { return value(); }
  const T& operator*() const { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const E& error() const { return assert(!has_value()), *std::get_if<1>(&state_); }

 private:
  std::variant<T, E> state_;
};

}  // namespace sockhook
