// Ledger: what clients, backend and publisher of one run have seen, and what of it breaks a promise
// of docs/drain.md. One process plays all three, so that nothing has to be compared afterwards.

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

namespace drain_load {

struct Message {
  unsigned processed = 0;  // times that the backend got it
  unsigned answered = 0;   // times that its client got the answer
};

struct Connection {
  unsigned connects = 0;
  unsigned disconnects = 0;
};

struct Push {
  int status = 0;  // 0: not answered
  unsigned received = 0;
};

struct Close {
  int64_t at_ms;
  int code;
};

struct Ledger {
  std::vector<Message> messages;
  std::unordered_map<std::string, Connection> connections;  // by id
  std::vector<Push> pushes;
  std::vector<Close> closes;
  std::map<std::string, uint64_t> failures;  // broken promises, each with its count
  std::map<std::string, uint64_t> refusals;  // of attempts to connect, by what was answered
  uint64_t resent = 0;                       // messages that were not answered before a close
  int64_t longest_wait_ms = 0;               // for a connection, the back-off not counted
  int64_t longest_wait_at_ms = 0;            // when it ended
  unsigned most_attempts = 0;                // to come back once

  void fail(const std::string& what) { ++failures[what]; }
  void note_wait(int64_t began_ms, int64_t now_ms);

  // When all is over: adds to `failures` what is missing by now.
  void judge();
  std::size_t owed_disconnects() const;
  std::string to_json() const;
};

}  // namespace drain_load
