#include "protocol/websocket/deflate_offer.h"

#include <algorithm>
#include <string_view>
#include <vector>

namespace sockhook::websocket {
namespace {

constexpr std::string_view kName = "permessage-deflate";

struct Parameter {
  std::string_view name;
  std::optional<std::string_view> value;
};

// Takes the text up to `separator` off the front of `rest`; quoted strings are respected.
std::string_view take_until(std::string_view& rest, char separator) {
  bool is_quoted = false;
  std::size_t end = 0;
  for (; end < rest.size(); ++end) {
    if (rest[end] == '"') is_quoted = !is_quoted;
    if (rest[end] == separator && !is_quoted) break;
  }
  const std::string_view taken = http::trim(rest.substr(0, end));
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return taken;
}

Parameter parse_parameter(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return {text, std::nullopt};
  std::string_view value = http::trim(text.substr(equals + 1));
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
    value = value.substr(1, value.size() - 2);
  }
  return {http::trim(text.substr(0, equals)), value};
}

// "8" to "15", without leading zeros.
std::optional<int> parse_bits(std::string_view text) {
  if (text == "8" || text == "9") return text[0] - '0';
  if (text.size() != 2 || text[0] != '1' || text[1] < '0' || text[1] > '5') return std::nullopt;
  return 10 + (text[1] - '0');
}

// One offer, with each parameter at most once and with the value that it must have.
class Offer {
 public:
  // False: the offer is to be declined.
  bool add(const Parameter& parameter) {
    if (parameter.name == "server_no_context_takeover") {
      return !parameter.value && set(&server_keeps_no_window);
    }
    if (parameter.name == "client_no_context_takeover") {
      return !parameter.value && set(&client_keeps_no_window);
    }
    if (parameter.name == "server_max_window_bits") {
      if (server_bits || !parameter.value) return false;
      server_bits = parse_bits(*parameter.value);
      return server_bits && *server_bits >= DeflateTerms::kMinBits;
    }
    if (parameter.name == "client_max_window_bits") {
      if (!set(&client_takes_bits)) return false;
      if (!parameter.value) return true;
      client_bits = parse_bits(*parameter.value);
      return client_bits.has_value();
    }
    return false;
  }

  bool server_keeps_no_window = false;
  bool client_keeps_no_window = false;
  bool client_takes_bits = false;
  std::optional<int> server_bits;
  std::optional<int> client_bits;

 private:
  static bool set(bool* flag) {
    const bool is_first = !*flag;
    *flag = true;
    return is_first;
  }
};

std::optional<DeflateTerms> meet(const Offer& offer, const DeflateWishes& wishes) {
  DeflateTerms terms;
  terms.server_takeover = wishes.takeover && !offer.server_keeps_no_window;
  terms.client_takeover = wishes.takeover && !offer.client_keeps_no_window;
  if (terms.server_takeover) terms.server_bits = wishes.takeover_bits;
  terms.server_bits = std::min(terms.server_bits, offer.server_bits.value_or(terms.server_bits));
  // Ours to limit only where the client said that it can; what it announces it keeps to.
  if (offer.client_bits && *offer.client_bits >= DeflateTerms::kMinBits) {
    terms.client_bits = *offer.client_bits;
  }
  return terms;
}

std::optional<DeflateTerms> consider(std::string_view text, const DeflateWishes& wishes) {
  if (take_until(text, ';') != kName) return std::nullopt;
  Offer offer;
  while (!text.empty()) {
    if (!offer.add(parse_parameter(take_until(text, ';')))) return std::nullopt;
  }
  return meet(offer, wishes);
}

}  // namespace

std::string DeflateTerms::to_header() const {
  std::string header(kName);
  if (!server_takeover) header += "; server_no_context_takeover";
  if (!client_takeover) header += "; client_no_context_takeover";
  if (server_bits < kMaxBits) header += "; server_max_window_bits=" + std::to_string(server_bits);
  if (client_bits < kMaxBits) header += "; client_max_window_bits=" + std::to_string(client_bits);
  return header;
}

std::optional<DeflateTerms> accept_deflate_offer(const http::Headers& handshake,
                                                 const DeflateWishes& wishes) {
  for (std::string_view offers : handshake.find_all("Sec-WebSocket-Extensions")) {
    while (!offers.empty()) {
      if (const auto terms = consider(take_until(offers, ','), wishes)) return terms;
    }
  }
  return std::nullopt;
}

}  // namespace sockhook::websocket
