// PushCodec: what nodes send each other, as bytes: a PushCommand as a request, its PushOutcome or a
// RouteFailure as the answer, and a greeting.
//
//   byte 0     the version, kVersion
//   byte 1     the kind of message
//   byte 2-9   the asker's ticket; 0 in a greeting
//   then       the body, in the form of wire.h
//
// The first ten bytes and the whole of a failure are the same in every version: nodes of different
// versions, which meet in a rolling upgrade, can refuse each other politely. Whatever else changes
// here needs another kVersion.
// Malformed bytes are an error, never a crash; nothing that is decoded is larger than its bytes
// allow. A frame travels as it is: it is not encoded again.
//
// Pure functions, any thread.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "protocol/base/result.h"
#include "proxy/push/push_command.h"
#include "proxy/push/push_router.h"

namespace sockhook::cluster {

inline constexpr std::uint8_t kVersion = 1;

// Carry out on your node, and answer with a Reply of the same ticket; ticket 0: nobody waits.
struct Request {
  push::Ticket ticket = 0;
  push::PushCommand command;
  std::string cursor;  // List: where the node's own page begins
};

struct Reply {
  push::Ticket ticket = 0;
  std::variant<push::PushOutcome, push::RouteFailure> result;
};

// This node has joined. Others know it by the next heartbeat anyway; this is sooner.
struct Hello {
  std::string name;  // node.id
};

// It leaves: its connections have ended.
struct Farewell {};

using Message = std::variant<Request, Reply, Hello, Farewell>;

enum class CodecError : std::uint8_t {
  kMalformed,
  kForeignVersion,  // a request of another version: to be refused
};

struct BadMessage {
  CodecError error = CodecError::kMalformed;
  push::Ticket ticket = 0;  // kForeignVersion
};

std::string encode(const Request& request);
std::string encode(const Reply& reply);
std::string encode(const Hello& hello);
std::string encode(const Farewell& farewell);
Result<Message, BadMessage> decode(std::string_view bytes);

}  // namespace sockhook::cluster
