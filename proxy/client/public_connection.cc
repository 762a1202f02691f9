#include "proxy/client/public_connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <utility>

#include "protocol/http/target.h"
#include "protocol/websocket/handshake.h"
#include "proxy/client/origin.h"
#include "proxy/observe/log.h"

namespace sockhook::client {

using observe::HandshakeResult;

namespace {

constexpr std::string_view kRetryAfterSeconds = "5";

http::IpAddress ip_of(const net::SocketAddress& address) {
  if (address.family() == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address.get());
    return http::IpAddress::from_v4_bytes(reinterpret_cast<const uint8_t*>(&v4->sin_addr));
  }
  if (address.family() == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address.get());
    return http::IpAddress::from_v6_bytes(v6->sin6_addr.s6_addr);
  }
  // A unix socket's peer is on this machine.
  return *http::IpAddress::parse("127.0.0.1");
}

http::ServerConnectionSettings settings_of(const conf::PublicListener& listener) {
  http::ServerConnectionSettings settings;
  settings.limits.head_bytes = listener.header_size;
  settings.head_timeout_ms = static_cast<uint64_t>(listener.handshake_timeout.count());
  return settings;
}

}  // namespace

PublicConnection::PublicConnection(PublicContext& context) : context_(context) {}
PublicConnection::~PublicConnection() = default;

void PublicConnection::accept(const net::Incoming& incoming) {
  stream_ = std::make_unique<net::SocketStream>(context_.loop, incoming.is_unix,
                                                static_cast<net::StreamListener*>(this));
  if (!stream_->accept(incoming)) {
    stream_->close();
    return;
  }
  peer_ = ip_of(stream_->peer());
  const conf::PublicListener& listener = context_.config.listen.public_;
  if (!listener.proxy_protocol) {
    start_http({});
    return;
  }
  proxy_header_ = std::make_unique<http::ProxyProtocolParser>();
  context_.loop.deadlines().arm(deadline_,
                                static_cast<uint64_t>(listener.handshake_timeout.count()));
  stream_->start_reading();
}

void PublicConnection::start_http(std::string_view received) {
  deadline_.cancel();
  if (stream_->is_closing()) return;
  stream_->stop_reading();
  std::unique_ptr<net::Stream> stream;
  if (context_.tls) {
    stream = start_tls(received);
    received = {};
  } else {
    stream = std::move(stream_);
  }
  http_.emplace(context_.loop.deadlines(), std::move(stream),
                settings_of(context_.config.listen.public_),
                static_cast<http::ServerConnectionListener*>(this));
  http_->start(received);
}

// The deadline of the first request's head is that of the TLS handshake, too.
std::unique_ptr<net::Stream> PublicConnection::start_tls(std::string_view received) {
  auto tls = net::TlsStream::server(context_.loop, context_.tls, std::move(stream_), nullptr);
  tls->start(received);
  tls_ = tls.get();
  return tls;
}

// ---------------------------------------------------------------------------------------------
// The PROXY header.

void PublicConnection::on_read(std::string_view data) {
  const http::ProxyProtocolParser::Progress progress = proxy_header_->feed(data);
  switch (progress.state) {
    case http::ProxyProtocolParser::State::kNeedMore:
      return;
    case http::ProxyProtocolParser::State::kError:
      stream_->close();
      return;
    case http::ProxyProtocolParser::State::kComplete:
      break;
  }
  if (proxy_header_->source()) peer_ = *proxy_header_->source();
  proxy_header_.reset();
  start_http(data.substr(progress.consumed));
}

void PublicConnection::on_end(int) { stream_->close(); }

void PublicConnection::on_deadline(net::Deadline&) { stream_->close(); }

// ---------------------------------------------------------------------------------------------
// Requests.

void PublicConnection::on_request(http::RequestHead& head) {
  if (head.method == "TRACE" || head.method == "CONNECT") {
    answer(405, "method not allowed\n",
           {{"Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"}});
    return;
  }
  if (websocket::is_websocket_request(head)) {
    handshake_ = std::make_unique<http::RequestHead>(std::move(head));
    return;  // taken up when the request is complete
  }
  if (context_.plain != nullptr) {
    context_.plain->start(*http_, head, client_of(head.headers), exchange_);
    return;
  }
  answer_plain(head);
}

void PublicConnection::answer_plain(const http::RequestHead& head) {
  const auto path = http::plain_path(http::split_target(head.target).path);
  if (!path) {
    answer(400, "the path is ambiguous\n");
  } else if (context_.routes.find(*path) == nullptr) {
    answer(404, "not found\n");
  } else {
    context_.sessions.metrics.unmatched_handshakes[HandshakeResult::kNotUpgrade].add(1);
    answer(426, "this is a WebSocket endpoint\n",
           {{"Upgrade", "websocket"}, {"Connection", "Upgrade"}, {"Sec-WebSocket-Version", "13"}});
  }
}

http::Forwarded PublicConnection::client_of(const http::Headers& headers) const {
  return http::resolve_forwarded(peer_, headers, context_.trusted_proxies,
                                 context_.tls ? "https" : "http");
}

void PublicConnection::on_request_body(std::string_view data) {
  if (exchange_ != nullptr) exchange_->on_request_body(data);
}

void PublicConnection::on_request_end(http::Headers& trailers) {
  if (handshake_) {
    start_handshake();
  } else if (exchange_ != nullptr) {
    exchange_->on_request_end(trailers);
  }
}

void PublicConnection::on_request_aborted() {
  handshake_.reset();
  if (exchange_ != nullptr) {
    exchange_->on_request_aborted();
  } else if (session_) {
    Session* session = context_.sessions.hub.find(*session_);
    session_.reset();
    if (session != nullptr) session->on_handshake_aborted();
  }
}

void PublicConnection::on_response_writable() {
  if (exchange_ != nullptr) exchange_->on_response_writable();
}

void PublicConnection::on_closed() {
  if (tls_ != nullptr && !tls_->failure().empty()) {
    observe::LogLine(observe::Level::kDebug, "TLS with a client failed")
        .field("client", peer_.to_string())
        .field("error", tls_->failure());
  }
  context_.owner->on_public_connection_closed(*this);
}

void PublicConnection::drain() {
  if (http_) {
    http_->close_after_response();
  } else {
    stream_->close();
  }
}

void PublicConnection::abort() {
  if (exchange_ != nullptr) exchange_->on_request_aborted();
  if (http_) {
    http_->abort();
  } else {
    stream_->reset();
  }
}

// ---------------------------------------------------------------------------------------------
// Handshakes.

void PublicConnection::start_handshake() {
  HandshakeResult malformed = HandshakeResult::kMalformed;
  const auto path = http::plain_path(http::split_target(handshake_->target).path);
  if (!path) return turn_away(400, "the path is ambiguous\n", malformed, nullptr);
  const routing::EndpointPtr endpoint = context_.routes.find(*path);
  if (!endpoint) return turn_away(404, "no such endpoint\n", HandshakeResult::kNotFound, nullptr);
  if (const auto refusal = websocket::check_upgrade(*handshake_)) {
    context_.sessions.metrics_of(*endpoint).handshakes[malformed].add(1);
    http::Headers headers;
    if (!refusal->header_name.empty()) headers.add(refusal->header_name, refusal->header_value);
    return answer(refusal->status, std::string(refusal->detail) + "\n", headers);
  }
  const auto offered = websocket::offered_subprotocols(*handshake_);
  if (!offered) return turn_away(400, "malformed subprotocols\n", malformed, endpoint.get());
  if (may_enter(*endpoint)) begin_session(endpoint, {offered->begin(), offered->end()});
}

bool PublicConnection::may_enter(const routing::Endpoint& endpoint) {
  const auto no = [&](int status, std::string_view why, HandshakeResult result) {
    turn_away(status, why, result, &endpoint);
    return false;
  };
  if (context_.is_draining) return no(503, "shutting down\n", HandshakeResult::kDraining);
  if (context_.is_cut_off.load(std::memory_order_relaxed)) {
    return no(503, "the node is cut off from its cluster\n", HandshakeResult::kNodeLost);
  }
  Admission& admission = context_.sessions.admission;
  if (!admission.take_handshake(context_.loop.now_ms())) {
    return no(429, "too many handshakes\n", HandshakeResult::kHandshakeRate);
  }
  if (context_.is_short_of_memory.load(std::memory_order_relaxed) || context_.is_backlog_full) {
    return no(503, "the node is full\n", HandshakeResult::kNodeFull);
  }
  const std::string* origin = handshake_->headers.find("Origin");
  if (origin != nullptr && !is_origin_allowed(*origin, endpoint.conf.origins)) {
    return no(403, "origin not allowed\n", HandshakeResult::kOriginRefused);
  }
  switch (admission.enter(endpoint.conf, client_of(handshake_->headers).client)) {
    case AdmissionResult::kNodeFull:
      return no(503, "the node is full\n", HandshakeResult::kNodeFull);
    case AdmissionResult::kEndpointFull:
      return no(503, "the endpoint is full\n", HandshakeResult::kEndpointFull);
    case AdmissionResult::kAddressFull:
      return no(429, "too many connections of this address\n", HandshakeResult::kAddressFull);
    case AdmissionResult::kAdmitted:
    case AdmissionResult::kUserFull:
      break;
  }
  return true;
}

void PublicConnection::begin_session(const routing::EndpointPtr& endpoint,
                                     std::vector<std::string> offered) {
  const std::unique_ptr<http::RequestHead> handshake = std::move(handshake_);
  http::Forwarded client = client_of(handshake->headers);
  auto facts = std::make_shared<routing::ConnectionFacts>();
  facts->endpoint = endpoint;
  facts->client = client.client;
  facts->client_text = client.client.to_string();
  facts->is_secure = client.proto == "https";
  facts->host = std::move(client.host);
  std::string subject = tls_ != nullptr ? tls_->peer_subject() : std::string();
  if (!subject.empty()) {
    facts->client_subject = std::make_shared<const std::string>(std::move(subject));
  }
  if (const std::string* agent = handshake->headers.find("User-Agent")) facts->user_agent = *agent;
  facts->trace =
      webhook::trace_of_handshake(handshake->headers, context_.sessions.random.bytes<16>());
  facts->handshake_at_ms = facts->last_active_at_ms = net::Loop::wall_ms();
  Session& session =
      context_.sessions.hub.create(context_.sessions, std::move(facts), this, std::move(offered));
  session_ = session.facts().id;
  accept_key_ = websocket::accept_key(*handshake->headers.find("Sec-WebSocket-Key"));
  session.begin(handshake->headers, http::split_target(handshake->target).query);
}

HandshakeResponder::Upgraded PublicConnection::upgrade() {
  session_.reset();
  tls_ = nullptr;
  http::ServerConnection::Detached detached = http_->detach();
  return {std::move(detached.stream), std::move(detached.unread), std::move(accept_key_)};
}

void PublicConnection::refuse(int status, const http::Headers& headers, std::string_view body) {
  session_.reset();
  http_->respond(status, headers, body);
}

void PublicConnection::turn_away(int status, std::string_view why, HandshakeResult result,
                                 const routing::Endpoint* endpoint) {
  observe::WorkerMetrics& metrics = context_.sessions.metrics;
  auto& results = endpoint != nullptr ? metrics.endpoints[endpoint->index]->handshakes
                                      : metrics.unmatched_handshakes;
  results[result].add(1);
  http::Headers headers;
  if (status == 429 || status == 503) headers.add("Retry-After", kRetryAfterSeconds);
  answer(status, why, headers);
}

void PublicConnection::answer(int status, std::string_view why, const http::Headers& headers) {
  handshake_.reset();
  http::Headers all = headers;
  all.add("Content-Type", "text/plain; charset=utf-8");
  http_->respond(status, all, why);
}

}  // namespace sockhook::client
