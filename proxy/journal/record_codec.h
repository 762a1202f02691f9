// RecordCodec: what a node writes of a connection so that another one can send its $disconnect
// (contract 8): all that the event says, and nothing else.
//
//   record  = version field*        version = "1"
//   field   = tag length bytes      tag: one character; length: LEB128
//
// Flat, so that no input can nest, and binary-safe: the state is the backend's bytes, a User-Agent
// the client's. Fields that are empty are left out; tags that are unknown are skipped, for a
// cluster in which two versions of the program run.
//
// Pure functions, any thread.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/result.h"
#include "protocol/webhook/event.h"
#include "proxy/routing/connection_facts.h"
#include "proxy/routing/webhook_job.h"

namespace sockhook::journal {

// How a connection really ended. A record without it: it ended with its node.
struct Ending {
  uint16_t code = 0;
  std::string reason;
  webhook::ClosedBy by = webhook::ClosedBy::kProxy;
  int64_t at_ms = 0;  // wall clock

  friend bool operator==(const Ending&, const Ending&) = default;
};

struct DecodedRecord {
  std::string endpoint;  // its name
  std::shared_ptr<routing::ConnectionFacts>
      facts;  // endpoint and owner are the caller's to fill in
  std::optional<Ending> ending;
};

// Of a connection that lives, or whose $connect is about to be sent.
std::string encode_record(const routing::ConnectionFacts& facts);
// Of one that has ended.
std::string encode_record(const routing::WebhookJob& disconnect);

// The error says what is malformed.
Result<DecodedRecord, std::string> decode_record(const webhook::ConnectionId& id,
                                                 std::string_view data);

}  // namespace sockhook::journal
