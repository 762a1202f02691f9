// PublicConnection: one client of the public listener while it speaks HTTP.
//
//   PROXY header (where configured) -> TLS (where configured, with the first byte of a client
//   that `handshakes_per_second` has room for) -> requests, one after another ->
//   each is
//     a WebSocket handshake on an endpoint: checked, its token too (which may have to wait until
//       the issuer's keys have been read afresh), admitted, and a Session asks $connect; when it is
//       accepted the session takes the stream and this object ends
//     a plain request: given to the passthrough, or answered 404 or 426
//
// Owner: the Worker, in a list; it erases it in on_public_connection_closed. Thread: the worker's.

#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/http/proxy_protocol.h"
#include "proxy/client/handshake_responder.h"
#include "proxy/client/public_context.h"
#include "proxy/http/server_connection.h"
#include "proxy/net/socket_stream.h"
#include "proxy/net/tls_stream.h"

namespace sockhook::client {

class PublicConnection final : http::ServerConnectionListener,
                               HandshakeResponder,
                               net::StreamListener,
                               net::DeadlineListener {
 public:
  using List = std::list<PublicConnection>;

  explicit PublicConnection(PublicContext& context);
  ~PublicConnection();
  PublicConnection(const PublicConnection&) = delete;
  PublicConnection& operator=(const PublicConnection&) = delete;

  // Takes what the listener offers. on_public_connection_closed follows in any case.
  void accept(const net::Incoming& incoming);
  // No further requests: closes behind the one that runs, or at once.
  void drain();
  // Closes at once.
  void abort();
  // For another client: closes at once if no request is under way; else false.
  bool give_way();
  // An issuer's keys have been read, or could not be: a handshake that waits for some goes on.
  void on_keys_refreshed();

  // Where the owner keeps it.
  List::iterator place;

 private:
  // http::ServerConnectionListener
  void on_request(http::RequestHead& head) override;
  void on_request_body(std::string_view data) override;
  void on_request_end(http::Headers& trailers) override;
  void on_request_aborted() override;
  void on_response_writable() override;
  void on_closed() override;
  // HandshakeResponder
  Upgraded upgrade() override;
  void refuse(int status, const http::Headers& headers, std::string_view body) override;
  // net::StreamListener: while the PROXY header, or the first bytes of TLS, are read
  void on_read(std::string_view data) override;
  void on_end(int error) override;
  // The same, or the handshake waits for keys
  void on_deadline(net::Deadline& deadline) override;

  bool read_proxy_header(std::string_view* data);
  void start_http(std::string_view received);
  std::unique_ptr<net::Stream> start_tls(std::string_view received);
  http::Forwarded client_of(const http::Headers& headers) const;
  void answer_plain(const http::RequestHead& head);

  // public_handshake.cc
  void start_handshake();
  // The checks before any backend is asked; false: answered.
  bool may_enter();
  bool is_open_to_clients();
  // Of its token: the handshake goes on, is refused, or waits for keys.
  void check_token();
  void refuse_token(const TokenGate::Verdict& verdict);
  void end_wait();
  void on_keys_missing();
  void deny(std::string_view why, bool has_token);
  void admit(std::optional<TokenGrant> grant);
  void answer(int status, std::string_view why, const http::Headers& headers = {});
  void turn_away(int status, std::string_view why, observe::HandshakeResult result,
                 const routing::Endpoint* endpoint, http::Headers headers = {});
  void begin_session(std::optional<TokenGrant> grant);
  void forget_handshake();

  PublicContext& context_;
  std::unique_ptr<net::SocketStream> stream_;  // until start_http
  std::unique_ptr<http::ProxyProtocolParser> proxy_header_;
  net::Deadline deadline_{this};
  std::optional<http::ServerConnection> http_;
  net::TlsStream* tls_ = nullptr;  // http_'s; null: plain, or a session has it
  http::IpAddress peer_;
  uint64_t begun_ms_ = 0;
  std::unique_ptr<http::RequestHead> handshake_;  // until it is answered, or a session has it
  routing::EndpointPtr endpoint_;                 // of the handshake that is being checked
  std::vector<FoundToken> tokens_;                // of it
  bool is_waiting_for_keys_ = false;
  bool is_guest_ = false;                         // of Admission
  bool has_taken_handshake_ = false;              // of handshakes_per_second, with TLS'
  std::optional<webhook::ConnectionId> session_;  // that waits for its verdict
  std::string accept_key_;
  http::PlainExchange* exchange_ = nullptr;  // the passthrough clears it
};

}  // namespace sockhook::client
