// BatchWriter: the body of a batch (contract 4.6): events in CloudEvents' JSON batch format, which
// is an array of structured events (CloudEvents 1.0, JSON Event Format, 2 and 4).
//
// Attributes are those of the headers in contract 4.1, without the hyphens that CloudEvents forbids
// in names. A message's bytes are
//
//   data         a JSON value, where datacontenttype is JSON and the message is JSON that every
//                parser takes (see is_portable_json);
//                else a string, where the message is text and datacontenttype is not JSON
//   data_base64  everything else
//
// so that no client's message can spoil the batch that it shares with others.
//
// Owner: a JobEncoder; keeps its memory from one batch to the next. No thread.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "protocol/webhook/event.h"

namespace sockhook::webhook {

class BatchWriter {
 public:
  void clear() { body_.clear(); }
  // False: with the event, a message, the body would be longer than `max_bytes`, and nothing has
  // changed. The first one always fits.
  bool add(const Event& event, std::size_t max_bytes);
  // The whole body; valid until the next call. Once, with an event at least.
  std::string_view end();

 private:
  std::string body_;
};

// JSON that no common parser refuses for its contents: no lone surrogates, no NUL, no numbers
// beyond a double's range or longer than 32 characters, no deeper than 32 levels (the usual limits
// begin at 64, those of the batch around it included).
bool is_portable_json(std::string_view text);

}  // namespace sockhook::webhook
