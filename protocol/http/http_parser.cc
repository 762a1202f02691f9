#include "protocol/http/http_parser.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "protocol/base/result.h"
#include "protocol/http/http_writer.h"
#include "protocol/http/message_reader.h"

namespace sockhook::http {

namespace {

using FramingResult = Result<BodyFraming, const char*>;

// The framing that the headers themselves announce; kNone where they announce none.
FramingResult announced_framing(const Headers& headers, int minor_version) {
  const std::size_t lengths = headers.count("content-length");
  const std::size_t encodings = headers.count("transfer-encoding");
  if (encodings > 0) {
    if (lengths > 0) return Failure{"Content-Length beside Transfer-Encoding"};
    if (minor_version == 0) return Failure{"Transfer-Encoding on HTTP/1.0"};
    if (encodings > 1 || !equals_ignoring_case(*headers.find("transfer-encoding"), "chunked")) {
      return Failure{"Transfer-Encoding other than chunked"};
    }
    return BodyFraming::chunked();
  }
  if (lengths == 0) return BodyFraming::none();
  if (lengths > 1) return Failure{"several Content-Lengths"};
  const std::string& text = *headers.find("content-length");
  std::uint64_t length = 0;
  const char* const end = text.data() + text.size();
  const auto [parsed_to, error] = std::from_chars(text.data(), end, length);
  if (error != std::errc() || parsed_to != end) return Failure{"malformed Content-Length"};
  return BodyFraming::of_length(length);
}

// Bytes that no authority has, in which two readers could see different hosts.
bool is_authority(std::string_view text) {
  constexpr std::string_view kForeign = "/\\?#@\"<>^`{|}, \t";
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return c > 0x20 && c < 0x7F && kForeign.find(c) == std::string_view::npos;
  });
}

// A scheme and "//" in front of an absolute-form target, or nothing.
std::string_view absolute_prefix(std::string_view target) {
  for (const std::string_view prefix : {"http://", "https://", "ws://", "wss://"}) {
    if (starts_with_ignoring_case(target, prefix)) return target.substr(0, prefix.size());
  }
  return {};
}

// Turns an absolute-form target into origin-form and Host (RFC 9112 3.2.2).
// Returns what is wrong with the target, or nullptr.
const char* normalise_target(RequestHead& head) {
  std::string& target = head.target;
  const bool visible = std::all_of(target.begin(), target.end(),
                                   [](char c) { return c > 0x20 && c < 0x7F && c != '#'; });
  if (!visible) return "fragment or forbidden byte in the target";
  if (target.starts_with('/')) return nullptr;
  if (target == "*") return head.method == "OPTIONS" ? nullptr : "* as the target";

  const std::size_t scheme = absolute_prefix(target).size();
  if (scheme == 0) return "malformed target";
  const std::size_t end = std::min(target.find_first_of("/?", scheme), target.size());
  const std::string authority = target.substr(scheme, end - scheme);
  if (authority.empty() || !is_authority(authority)) return "malformed authority in the target";
  target.erase(0, end);
  if (!target.starts_with('/')) target.insert(target.begin(), '/');
  head.headers.set("Host", authority);
  return nullptr;
}

}  // namespace

// ---- requests ----

class RequestParser::Impl final : public MessageReader {
 public:
  Impl(RequestListener* listener, const ParserLimits& limits)
      : MessageReader(Kind::kRequest, limits), listener_(listener) {}

 private:
  Decision on_head() override {
    head_.clear();
    head_.method = llhttp_method_name(static_cast<llhttp_method_t>(words().method));
    head_.minor_version = words().http_minor;
    std::swap(head_.target, start_text_);
    std::swap(head_.headers, headers_);

    if (head_.method == "CONNECT") return Decision::error(405, "CONNECT");
    if (const char* const wrong = check_host()) return Decision::error(400, wrong);
    if (const char* const wrong = normalise_target(head_)) return Decision::error(400, wrong);
    const FramingResult framing = announced_framing(head_.headers, head_.minor_version);
    if (!framing) return Decision::error(400, framing.error());

    head_.framing = *framing;
    fill_flags();
    const Decision decision{Decision::Next::kBody, *framing, 0, ""};
    listener_->on_head(head_);
    return decision;
  }

  const char* check_host() const {
    const std::size_t hosts = head_.headers.count("host");
    if (hosts > 1) return "several Hosts";
    if (hosts == 0) return head_.minor_version == 0 ? nullptr : "no Host";
    return is_authority(*head_.headers.find("host")) ? nullptr : "malformed Host";
  }

  void fill_flags() {
    const Headers& headers = head_.headers;
    const bool http11 = head_.minor_version == 1;
    // HTTP/1.0 is answered and closed, whatever it asks for.
    head_.keep_alive = http11 && !headers.has_token("connection", "close");
    head_.expects_continue = http11 && headers.has_token("expect", "100-continue");
    head_.wants_upgrade =
        http11 && headers.contains("upgrade") && headers.has_token("connection", "upgrade");
  }

  void on_body(std::string_view data) override { listener_->on_body(data); }
  void on_complete(Headers& trailers) override { listener_->on_complete(trailers); }

  RequestListener* const listener_;
  RequestHead head_;
};

RequestParser::RequestParser(RequestListener* listener, const ParserLimits& limits)
    : impl_(std::make_unique<Impl>(listener, limits)) {}
RequestParser::~RequestParser() = default;

ParseResult RequestParser::feed(std::string_view data) { return impl_->feed(data); }
void RequestParser::next_message() { impl_->next_message(); }
bool RequestParser::has_begun() const { return impl_->has_begun(); }
bool RequestParser::has_head() const { return impl_->has_head(); }

// ---- responses ----

class ResponseParser::Impl final : public MessageReader {
 public:
  Impl(ResponseListener* listener, const ParserLimits& limits)
      : MessageReader(Kind::kResponse, limits), listener_(listener) {}

  void begin(bool to_head_request) {
    to_head_request_ = to_head_request;
    informational_answers_ = 0;
    next_message();
  }

 private:
  Decision on_head() override {
    head_.clear();
    head_.status = words().status_code;
    head_.minor_version = words().http_minor;
    std::swap(head_.reason, start_text_);
    std::swap(head_.headers, headers_);

    // llhttp takes any byte but a line end for a part of the phrase.
    if (!is_field_value(head_.reason)) return Decision::error(502, "malformed reason");
    if (head_.status < 100 || head_.status > 599) return Decision::error(502, "malformed status");
    if (head_.status == 101) {
      listener_->on_head(head_);
      return {Decision::Next::kUpgrade, {}, 0, ""};
    }
    if (head_.is_informational()) {
      if (++informational_answers_ > limits().informational_answers) {
        return Decision::error(502, "too many informational answers");
      }
      listener_->on_informational(head_);
      return {Decision::Next::kAnotherHead, {}, 0, ""};
    }
    const FramingResult framing = decide_framing();
    if (!framing) return Decision::error(502, framing.error());
    head_.framing = *framing;
    head_.keep_alive = decide_keep_alive();
    const Decision decision{Decision::Next::kBody, *framing, 0, ""};
    listener_->on_head(head_);
    return decision;
  }

  FramingResult decide_framing() const {
    FramingResult announced = announced_framing(head_.headers, head_.minor_version);
    if (!announced) return announced;
    if (to_head_request_ || head_.status == 204 || head_.status == 304) return BodyFraming::none();
    if (announced->kind == BodyFraming::Kind::kNone) return BodyFraming::until_close();
    return announced;
  }

  bool decide_keep_alive() const {
    if (head_.framing.kind == BodyFraming::Kind::kUntilClose) return false;
    if (head_.headers.has_token("connection", "close")) return false;
    return head_.minor_version == 1 || head_.headers.has_token("connection", "keep-alive");
  }

  void on_body(std::string_view data) override { listener_->on_body(data); }
  void on_complete(Headers& trailers) override { listener_->on_complete(trailers); }

  ResponseListener* const listener_;
  ResponseHead head_;
  bool to_head_request_ = false;
  int informational_answers_ = 0;
};

ResponseParser::ResponseParser(ResponseListener* listener, const ParserLimits& limits)
    : impl_(std::make_unique<Impl>(listener, limits)) {}
ResponseParser::~ResponseParser() = default;

ParseResult ResponseParser::feed(std::string_view data) { return impl_->feed(data); }
bool ResponseParser::finish() { return impl_->finish(); }
void ResponseParser::next_message(bool to_head_request) { impl_->begin(to_head_request); }
bool ResponseParser::has_begun() const { return impl_->has_begun(); }
bool ResponseParser::has_head() const { return impl_->has_head(); }

}  // namespace sockhook::http
