#include "proxy/client/token_source.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "protocol/http/percent.h"
#include "protocol/http/target.h"

namespace sockhook::client {
namespace {

using Source = conf::Jwt::Source;

constexpr std::string_view kBearerScheme = "bearer ";
constexpr std::string_view kBearerProtocol = "bearer.";
constexpr std::string_view kProtocols = "Sec-WebSocket-Protocol";

class Finder {
 public:
  explicit Finder(http::RequestHead& handshake) : handshake_(handshake) {}

  void look_into(const Source& source) {
    source_ = &source;
    switch (source.kind) {
      case Source::Kind::kHeader:
        return look_into_header();
      case Source::Kind::kQuery:
        return look_into_query();
      case Source::Kind::kCookie:
        return look_into_cookies();
      case Source::Kind::kProtocol:
        return look_into_protocols();
    }
  }
  std::vector<FoundToken> take() { return std::move(found_); }

 private:
  void add(std::string_view text) {
    if (!text.empty()) found_.push_back({*source_, std::string(text)});
  }

  void look_into_header() {
    for (const std::string_view line : handshake_.headers.find_all("Authorization")) {
      if (!http::starts_with_ignoring_case(line, kBearerScheme)) continue;
      add(http::trim(line.substr(kBearerScheme.size())));
    }
  }

  void look_into_query() {
    const http::Target target = http::split_target(handshake_.target);
    std::string kept;
    bool has_removed = false;
    for (std::string_view rest = target.query; !rest.empty();) {
      const std::size_t end = std::min(rest.find('&'), rest.size());
      const std::string_view parameter = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (take_parameter(parameter)) {
        has_removed = true;
      } else {
        kept.append(kept.empty() ? "?" : "&").append(parameter);
      }
    }
    if (has_removed) handshake_.target = std::string(target.path) + kept;
  }

  // By its name as any backend might read it.
  bool take_parameter(std::string_view parameter) {
    const std::size_t equals = std::min(parameter.find('='), parameter.size());
    if (http::percent_decode_leniently(parameter.substr(0, equals)) != source_->name) return false;
    const std::string_view value = parameter.substr(std::min(equals + 1, parameter.size()));
    add(http::decode_query_component(value).value_or(std::string(value)));
    return true;
  }

  void look_into_cookies() {
    for (std::string_view line : handshake_.headers.find_all("Cookie")) {
      while (!line.empty()) {
        const std::size_t end = std::min(line.find(';'), line.size());
        const std::string_view cookie = http::trim(line.substr(0, end));
        line.remove_prefix(std::min(end + 1, line.size()));
        const std::size_t equals = cookie.find('=');
        if (equals == std::string_view::npos) continue;
        if (http::trim(cookie.substr(0, equals)) != source_->name) continue;
        add(unquoted(http::trim(cookie.substr(equals + 1))));
      }
    }
  }

  static std::string_view unquoted(std::string_view value) {
    const bool is_quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
    return is_quoted ? value.substr(1, value.size() - 2) : value;
  }

  void look_into_protocols() {
    for (http::Header& field : handshake_.headers) {
      if (http::equals_ignoring_case(field.name, kProtocols)) take_protocols(field.value);
    }
    handshake_.headers.remove_if([](const http::Header& field) {
      return field.value.empty() && http::equals_ignoring_case(field.name, kProtocols);
    });
  }

  void take_protocols(std::string& line) {
    std::string kept;
    std::string_view rest = line;
    bool has_removed = false;
    while (const auto offered = http::next_list_element(rest)) {
      if (http::starts_with_ignoring_case(*offered, kBearerProtocol)) {
        has_removed = true;
        add(offered->substr(kBearerProtocol.size()));
      } else {
        kept.append(kept.empty() ? "" : ", ").append(*offered);
      }
    }
    if (has_removed) line = std::move(kept);
  }

  http::RequestHead& handshake_;
  const Source* source_ = nullptr;  // that is being looked into
  std::vector<FoundToken> found_;
};

}  // namespace

std::vector<FoundToken> take_tokens(const std::vector<conf::Jwt>& issuers,
                                    http::RequestHead& handshake) {
  std::vector<Source> sources;  // each once: what is taken is not there a second time
  for (const conf::Jwt& issuer : issuers) {
    for (const Source& source : issuer.from) {
      if (std::find(sources.begin(), sources.end(), source) == sources.end()) {
        sources.push_back(source);
      }
    }
  }
  Finder finder(handshake);
  for (const Source& source : sources) finder.look_into(source);
  return finder.take();
}

}  // namespace sockhook::client
