#include "proxy/client/public_connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <utility>

#include "protocol/http/target.h"
#include "protocol/websocket/handshake.h"
#include "proxy/observe/log.h"

namespace sockhook::client {

using observe::HandshakeResult;

namespace {

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

http::ServerConnectionSettings settings_of(const conf::PublicListener& listener,
                                           uint64_t spent_ms) {
  http::ServerConnectionSettings settings;
  settings.spent_ms = spent_ms;
  settings.limits.head_bytes = listener.header_size;
  settings.head_timeout_ms = static_cast<uint64_t>(listener.handshake_timeout.count());
  return settings;
}

}  // namespace

PublicConnection::PublicConnection(PublicContext& context) : context_(context) {}
PublicConnection::~PublicConnection() {
  if (is_waiting_for_keys_) --context_.waiting_for_keys;
}

void PublicConnection::accept(const net::Incoming& incoming) {
  stream_ = std::make_unique<net::SocketStream>(context_.loop, incoming.is_unix,
                                                static_cast<net::StreamListener*>(this));
  if (!stream_->accept(incoming)) {
    stream_->close();
    return;
  }
  is_guest_ = true;
  if (!context_.sessions.admission.welcome_guest()) context_.owner->make_room(*this);
  if (stream_->is_closing()) return;
  peer_ = ip_of(stream_->peer());
  begun_ms_ = context_.loop.now_ms();
  const conf::PublicListener& listener = context_.config.listen.public_;
  if (!listener.proxy_protocol && !context_.tls) return start_http({});
  if (listener.proxy_protocol) proxy_header_ = std::make_unique<http::ProxyProtocolParser>();
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
                settings_of(context_.config.listen.public_, context_.loop.now_ms() - begun_ms_),
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
// The PROXY header, and the first bytes of TLS.

void PublicConnection::on_read(std::string_view data) {
  if (proxy_header_ && !read_proxy_header(&data)) return;
  if (!context_.tls) return start_http(data);
  if (data.empty()) return;
  // Before TLS costs anything. Nobody could read an answer yet.
  has_taken_handshake_ = context_.sessions.admission.take_handshake(context_.loop.now_ms());
  if (has_taken_handshake_) return start_http(data);
  context_.sessions.metrics.unmatched_handshakes[HandshakeResult::kHandshakeRate].add(1);
  stream_->close();
}

// True when it is complete; what came behind it is left in `data`.
bool PublicConnection::read_proxy_header(std::string_view* data) {
  const http::ProxyProtocolParser::Progress progress = proxy_header_->feed(*data);
  switch (progress.state) {
    case http::ProxyProtocolParser::State::kNeedMore:
      return false;
    case http::ProxyProtocolParser::State::kError:
      stream_->close();
      return false;
    case http::ProxyProtocolParser::State::kComplete:
      break;
  }
  if (proxy_header_->source()) peer_ = *proxy_header_->source();
  proxy_header_.reset();
  data->remove_prefix(progress.consumed);
  return true;
}

void PublicConnection::on_end(int) { stream_->close(); }

void PublicConnection::on_deadline(net::Deadline&) {
  if (is_waiting_for_keys_) {
    on_keys_missing();
  } else {
    stream_->close();
  }
}

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
  if (is_waiting_for_keys_) {
    end_wait();
    context_.sessions.metrics_of(*endpoint_).handshakes[HandshakeResult::kClientGone].add(1);
  }
  forget_handshake();
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
  if (is_guest_) context_.sessions.admission.part_with_guest();
  context_.owner->on_public_connection_closed(*this);
}

void PublicConnection::drain() {
  if (http_) {
    http_->close_after_response();
  } else {
    stream_->close();
  }
}

bool PublicConnection::give_way() {
  if (http_ && !http_->is_between_requests()) return false;
  context_.sessions.metrics.unmatched_handshakes[observe::HandshakeResult::kNodeFull].add(1);
  abort();
  return true;
}

void PublicConnection::abort() {
  if (is_waiting_for_keys_) {
    end_wait();
    forget_handshake();
  }
  if (exchange_ != nullptr) exchange_->on_request_aborted();
  if (http_) {
    http_->abort();
  } else {
    stream_->reset();
  }
}

}  // namespace sockhook::client
