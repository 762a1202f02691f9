// Effects: what a backend does to a connection by headers of its answer (contract 4.3).
//
// Values, any thread. A malformed effect is reported and ignored; the others apply.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/http/http_message.h"

namespace sockhook::webhook {

inline constexpr std::size_t kMaxStateBytes = 4096;

struct GroupChange {
  std::string group;
  bool joins = true;

  friend bool operator==(const GroupChange&, const GroupChange&) = default;
};

struct CloseEffect {
  std::uint16_t code = 1000;
  std::string reason;

  friend bool operator==(const CloseEffect&, const CloseEffect&) = default;
};

struct Effects {
  std::optional<std::string> state;  // empty text removes what was there
  std::optional<std::string> user;
  std::vector<GroupChange> groups;  // in the order of the answer
  std::optional<CloseEffect> close;
  // One for each effect that was malformed, e.g. `sockhook-close: "99" is no close code`. Values
  // are cut and escaped, fit for a log line.
  std::vector<std::string> mistakes;

  bool empty() const { return !state && !user && groups.empty() && !close && mistakes.empty(); }
  friend bool operator==(const Effects&, const Effects&) = default;
};

enum class EffectsOf : std::uint8_t { kConnect, kMessage };

// Of a header that may stand once only, a second line is malformed and takes the first with it.
Effects parse_effects(const http::Headers& answer, EffectsOf kind);

}  // namespace sockhook::webhook
