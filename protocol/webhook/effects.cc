#include "protocol/webhook/effects.h"

#include <charconv>
#include <string_view>
#include <utility>

#include "protocol/http/http_writer.h"
#include "protocol/http/percent.h"
#include "protocol/webhook/json_writer.h"
#include "protocol/webhook/names.h"
#include "protocol/websocket/close_code.h"
#include "protocol/websocket/utf8.h"

namespace sockhook::webhook {

namespace {

constexpr std::string_view kState = "sockhook-state";
constexpr std::string_view kUser = "sockhook-user";
constexpr std::string_view kJoin = "sockhook-join";
constexpr std::string_view kLeave = "sockhook-leave";
constexpr std::string_view kClose = "sockhook-close";

class EffectsReader {
 public:
  EffectsReader(const http::Headers& answer, EffectsOf kind) : answer_(answer), kind_(kind) {}

  Effects read() {
    if (const auto state = single(kState)) read_state(*state);
    if (const auto user = single(kUser)) read_user(*user);
    for (const http::Header& field : answer_) {
      const bool joins = http::equals_ignoring_case(field.name, kJoin);
      if (joins || http::equals_ignoring_case(field.name, kLeave)) read_groups(field.value, joins);
    }
    if (const auto close = single(kClose)) read_close(*close);
    return std::move(effects_);
  }

 private:
  // The value of a header that may stand once only.
  std::optional<std::string_view> single(std::string_view name) {
    const auto values = answer_.find_all(name);
    if (values.empty()) return std::nullopt;
    if (values.size() == 1) return values.front();
    reject(name, values.back(), "is one value too many");
    return std::nullopt;
  }

  void read_state(std::string_view value) {
    if (value.size() > kMaxStateBytes) return reject(kState, value, "is longer than 4096 bytes");
    // Only an answer in JSON can have such; no later webhook could carry it in a header.
    if (!http::is_field_value(value)) return reject(kState, value, "has control characters");
    effects_.state = value;
  }

  void read_user(std::string_view value) {
    if (kind_ != EffectsOf::kConnect) return reject(kUser, value, "counts on $connect only");
    if (!is_valid_name(value)) return reject(kUser, value, "is no valid name");
    effects_.user = value;
  }

  void read_groups(std::string_view list, bool joins) {
    while (const auto element = http::next_list_element(list)) {
      auto group = http::percent_decode(*element);
      if (group && is_valid_name(*group)) {
        effects_.groups.push_back({std::move(*group), joins});
      } else {
        reject(joins ? kJoin : kLeave, *element, "is no valid name");
      }
    }
  }

  void read_close(std::string_view value) {
    constexpr std::size_t kMaxReasonBytes = 123;
    value = http::trim(value);
    const std::size_t digits = value.find_first_not_of("0123456789");
    const std::string_view number = value.substr(0, digits);
    std::string_view reason =
        digits == std::string_view::npos ? std::string_view{} : value.substr(digits);
    CloseEffect close;
    const auto parsed = std::from_chars(number.data(), number.data() + number.size(), close.code);
    const bool is_separate = reason.empty() || reason.front() == ' ' || reason.front() == '\t';
    if (number.empty() || parsed.ec != std::errc{} || !is_separate ||
        !websocket::is_valid_close_code(close.code)) {
      return reject(kClose, value, "begins with no close code that may be sent");
    }
    reason = http::trim(reason);
    if (reason.size() > kMaxReasonBytes) {
      return reject(kClose, value, "has a reason longer than 123 bytes");
    }
    if (!websocket::is_valid_utf8(reason))
      return reject(kClose, value, "has a reason not in UTF-8");
    close.reason = reason;
    effects_.close = std::move(close);
  }

  void reject(std::string_view name, std::string_view value, std::string_view what) {
    constexpr std::size_t kMaxShownBytes = 64;
    std::string mistake(name);
    mistake += ": ";
    append_json_string(mistake, value.substr(0, kMaxShownBytes));
    mistake += ' ';
    mistake += what;
    effects_.mistakes.push_back(std::move(mistake));
  }

  const http::Headers& answer_;
  EffectsOf kind_;
  Effects effects_;
};

}  // namespace

Effects parse_effects(const http::Headers& answer, EffectsOf kind) {
  return EffectsReader(answer, kind).read();
}

}  // namespace sockhook::webhook
