// RouteSelector: finds a message's route key by a selection expression (contract 4.1; A3).
//
//   $request.body.action                               one variable is the whole expression
//   ${request.body.service}/${request.body.action}     variables and static text
//   \$                                                 a literal dollar sign
//
// Evaluated in a single pass over the message: a selected value is never an expression itself.
// A missing path is empty text, as in API Gateway; an empty result matches no route.
//
// Owner: the endpoint's routes; immutable once compiled, any thread. A MessageParser belongs to a
// worker, which uses one for all its messages.

#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.h"

namespace sockhook::webhook {

struct SelectorMistake {
  std::size_t position = 0;  // bytes from the beginning of the expression
  std::string what;          // what is wrong, and what is allowed
};

// The memory for values that are not written as they mean: escaped ones and compositions. Kept
// between messages; at most as large as their selected values were. One thread at a time.
class MessageParser {
 public:
  MessageParser();
  ~MessageParser();
  MessageParser(const MessageParser&) = delete;
  MessageParser& operator=(const MessageParser&) = delete;

  struct Impl;

 private:
  friend class RouteSelector;
  std::unique_ptr<Impl> impl_;
};

struct Selection {
  // The route key; nullopt sends the message to $default. Neither empty nor beginning with '$'.
  // Points into the payload or the parser: valid until either changes.
  std::optional<std::string_view> key;
  bool is_json = false;  // the whole text is one JSON value
};

class RouteSelector {
 public:
  // A text with deeper nested arrays and objects counts as no JSON.
  static constexpr std::size_t kMaxDepth = 64;
  static constexpr std::size_t kMaxVariables = 16;

  static Result<RouteSelector, SelectorMistake> compile(std::string_view expression);

  // A text message, which is valid UTF-8. Binary messages have no route key: nobody asks.
  Selection select(std::string_view text, MessageParser& parser) const;

 private:
  friend class SelectorCompiler;

  using Path = std::vector<std::string>;  // without "request.body"
  struct Piece {
    std::string text;                     // static, in front of the variable
    std::optional<std::size_t> variable;  // index into paths_
  };

  std::vector<Piece> pieces_;
  std::vector<Path> paths_;
};

}  // namespace sockhook::webhook
