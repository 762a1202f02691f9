// BatchReader: the answer to a batch of events, taken apart into each event's own answer (contract
// 4.6): a JSON array, in any order, of
//
//   {"id": "CONNECTION-7", "status": 200, "headers": {"content-type": "text/plain"}, "body": "hi"}
//
// `id` and `status` are needed. A header is a string, a number or a boolean, or an array of these
// for several lines of one name; `body_base64` takes the place of `body` for bytes that are no
// text. Absent and null are the same; other members mean nothing.
//
// What is wrong with one entry is the affair of its event. Only what is no JSON array, or came with
// another status than 2xx, leaves all events without an answer. An answer to an id that is
// given twice is none: nobody could say which one counts.
//
// Owner: a stack frame. No thread. The caller bounds the answer (`answer_size`).

#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "protocol/base/result.h"
#include "protocol/webhook/webhook_answer.h"

namespace sockhook::webhook {

class BatchReader {
 public:
  // An event's own answer, or what is wrong with its entry.
  using Entry = Result<HttpAnswer, std::string>;

  // The error says why no event has an answer.
  static Result<BatchReader, std::string> read(const HttpAnswer& answer);

  // The answer to the event of that id; the error says why it has none. Once for each id.
  Entry take(std::string_view event_id);

  // Entries that nobody has taken: of ids that were not asked for, or without an id.
  std::size_t left() const { return entries_.size() + nameless_; }

 private:
  class Parser;

  BatchReader() = default;

  std::map<std::string, Entry, std::less<>> entries_;
  std::size_t nameless_ = 0;
};

}  // namespace sockhook::webhook
