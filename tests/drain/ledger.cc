#include "tests/drain/ledger.h"

namespace drain_load {
namespace {

std::string to_object(const std::map<std::string, uint64_t>& counts) {
  std::string text;
  for (const auto& [name, count] : counts) {
    text += (text.empty() ? "\"" : ", \"") + name + "\": " + std::to_string(count);
  }
  return "{" + text + "}";
}

}  // namespace

void Ledger::note_wait(int64_t began_ms, int64_t now_ms) {
  if (now_ms - began_ms < longest_wait_ms) return;
  longest_wait_ms = now_ms - began_ms;
  longest_wait_at_ms = now_ms;
}

std::size_t Ledger::owed_disconnects() const {
  std::size_t owed = 0;
  for (const auto& [id, connection] : connections) owed += connection.disconnects == 0 ? 1 : 0;
  return owed;
}

void Ledger::judge() {
  for (const Message& message : messages) {
    if (message.processed == 0) fail("a message was never processed");
    if (message.processed > 1) fail("a message was processed twice");
    if (message.answered == 0) fail("a message was never answered");
    if (message.answered > 1) fail("a message was answered twice");
  }
  for (const auto& [id, connection] : connections) {
    if (connection.connects != 1) fail("not one $connect of a connection");
    if (connection.disconnects == 0) fail("a $disconnect is missing");
    if (connection.disconnects > 1) fail("a $disconnect came twice");
  }
  for (const Push& push : pushes) {
    if (push.status == 200 && push.received == 0)
      fail("a push was answered 200 and did not arrive");
    if (push.status == 410 && push.received > 0) fail("a push was answered 410 and arrived");
    if (push.received > 1) fail("a push arrived twice");
  }
}

std::string Ledger::to_json() const {
  std::map<std::string, uint64_t> push_answers;
  for (const Push& push : pushes) ++push_answers[std::to_string(push.status)];
  std::string closed;
  for (const Close& close : closes) {
    closed += (closed.empty() ? "[" : ", [") + std::to_string(close.at_ms) + ", " +
              std::to_string(close.code) + "]";
  }
  return "{\"messages\": " + std::to_string(messages.size()) +
         ", \"resent\": " + std::to_string(resent) +
         ", \"connections\": " + std::to_string(connections.size()) +
         ", \"pushes\": " + to_object(push_answers) + ", \"failures\": " + to_object(failures) +
         ", \"refusals\": " + to_object(refusals) +
         ", \"longest_wait_ms\": " + std::to_string(longest_wait_ms) +
         ", \"longest_wait_at_ms\": " + std::to_string(longest_wait_at_ms) +
         ", \"most_attempts\": " + std::to_string(most_attempts) + ", \"closes\": [" + closed +
         "]}";
}

}  // namespace drain_load
