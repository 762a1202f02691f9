#include "proxy/net/tls_stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <utility>

#include "protocol/base/check.h"
#include "proxy/net/tls_buffers.h"
#include "proxy/net/tls_error.h"
#include "proxy/net/write_queue.h"

namespace sockhook::net {
namespace {

bool is_address(const std::string& host) { return !SocketAddress::ip(host, 0).is_none(); }

// The certificate must be for `host`, which is asked for by SNI where it is a name (RFC 6066 3).
void expect_host(SSL* ssl, const std::string& host) {
  SOCKHOOK_CHECK(!host.empty());  // it would fit any certificate
  if (is_address(host)) {
    SOCKHOOK_CHECK(X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1);
    return;
  }
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  SOCKHOOK_CHECK(SSL_set1_host(ssl, host.c_str()) == 1);
  SSL_set_tlsext_host_name(ssl, host.c_str());
}

}  // namespace

// ---------------------------------------------------------------------------------------------
// The beginning.

TlsStream::TlsStream(Loop& loop, TlsContextPtr context, std::string host,
                     std::unique_ptr<Stream> transport, ConnectableStream* connectable,
                     StreamListener* listener)
    : loop_(loop),
      context_(std::move(context)),
      host_(std::move(host)),
      transport_(std::move(transport)),
      connectable_(connectable),
      listener_(listener),
      ssl_(SSL_new(context_->get())),
      wire_{{}, loop.tls_buffers().records} {
  SOCKHOOK_CHECK(ssl_ != nullptr);
  BIO* const bio = new_tls_bio(&wire_);
  SSL_set_bio(ssl_, bio, bio);
  if (is_client()) {
    SSL_set_connect_state(ssl_);
    expect_host(ssl_, host_);
  } else {
    SSL_set_accept_state(ssl_);
  }
  transport_->set_listener(this);
}

std::unique_ptr<TlsStream> TlsStream::client(Loop& loop, TlsContextPtr context, std::string host,
                                             std::unique_ptr<ConnectableStream> transport,
                                             StreamListener* listener) {
  ConnectableStream* const connectable = transport.get();
  return std::unique_ptr<TlsStream>(new TlsStream(loop, std::move(context), std::move(host),
                                                  std::move(transport), connectable, listener));
}

std::unique_ptr<TlsStream> TlsStream::server(Loop& loop, TlsContextPtr context,
                                             std::unique_ptr<Stream> transport,
                                             StreamListener* listener) {
  return std::unique_ptr<TlsStream>(
      new TlsStream(loop, std::move(context), {}, std::move(transport), nullptr, listener));
}

TlsStream::~TlsStream() { SSL_free(ssl_); }

int TlsStream::connect(const SocketAddress& address, ConnectListener* listener) {
  connect_listener_ = listener;
  return connectable_->connect(address, this);
}

void TlsStream::on_connected(int error) {
  if (error == 0) {
    start();
  } else {
    std::exchange(connect_listener_, nullptr)->on_connected(error);
  }
}

void TlsStream::start(std::string_view received) {
  loop_.assert_thread();
  state_ = State::kHandshake;
  if (!received.empty()) {
    held_ = received;
    loop_.soon().arm(soon_);
    return;
  }
  transport_->start_reading();
  if (is_client()) shake_hands();
}

void TlsStream::shake_hands() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_);
  const int error = SSL_get_error(ssl_, result);
  flush_records();
  if (result == 1) {
    finish_handshake();
  } else if (error != SSL_ERROR_WANT_READ) {
    fail(UV_EPROTO, take_tls_failure(ssl_, host_));
  }
}

void TlsStream::finish_handshake() {
  if (peer_subject().size() > kMaxSubjectBytes) {
    return fail(UV_EPROTO, "the subject of the peer's certificate is too long");
  }
  state_ = State::kOpen;
  write_queue();
  if (connect_listener_ != nullptr) std::exchange(connect_listener_, nullptr)->on_connected(0);
  if (!is_reading_) transport_->stop_reading();
}

std::string TlsStream::peer_subject() const {
  const X509* const certificate = SSL_get0_peer_certificate(ssl_);
  if (certificate == nullptr) return {};
  BIO* const text = BIO_new(BIO_s_mem());
  SOCKHOOK_CHECK(text != nullptr);
  X509_NAME_print_ex(text, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(text, &bytes);
  std::string subject(bytes, static_cast<std::size_t>(size));
  BIO_free(text);
  return subject;
}

std::string_view TlsStream::version() const { return SSL_get_version(ssl_); }

bool TlsStream::is_resumed() const { return SSL_session_reused(ssl_) != 0; }

// ---------------------------------------------------------------------------------------------
// Reading.

void TlsStream::start_reading() {
  if (is_reading_ || has_ended_ || is_closing()) return;
  is_reading_ = true;
  if (!held_.empty() || held_end_) {
    loop_.soon().arm(soon_);
  } else if (state_ == State::kOpen) {
    transport_->start_reading();
  }
}

void TlsStream::stop_reading() {
  is_reading_ = false;
  if (state_ != State::kHandshake) transport_->stop_reading();
}

void TlsStream::on_read(std::string_view data) {
  wire_.input = data;
  if (state_ == State::kHandshake) shake_hands();
  if (state_ == State::kOpen && !is_closing()) decrypt();
  wire_.input = {};
}

// All that the read has brought: the transport will not come back to it.
void TlsStream::decrypt() {
  TlsBuffers& buffers = loop_.tls_buffers();
  std::optional<int> error;
  std::size_t size = 0;
  while (!error && (!wire_.input.empty() || SSL_pending(ssl_) > 0)) {
    ERR_clear_error();
    const int result = SSL_read(ssl_, buffers.plain.data() + size,
                                static_cast<int>(TlsBuffers::kPlainBytes - size));
    if (result <= 0) {
      error = understand(SSL_get_error(ssl_, result));
    } else if ((size += static_cast<std::size_t>(result)) == TlsBuffers::kPlainBytes) {
      hand_over({buffers.plain.data(), std::exchange(size, 0)});
      if (is_closing()) return;
    }
  }
  flush_records();  // answers to key updates, an alert
  if (size > 0) hand_over({buffers.plain.data(), size});
  if (error) return end(*error);
  if (transport_->queued_bytes() > kMaxUnaskedBytes) {
    fail(UV_EPROTO, "the peer asks for more than it reads");
  }
}

// What SSL_read says instead of giving bytes: nothing, or that this is the end.
std::optional<int> TlsStream::understand(int ssl_error) {
  switch (ssl_error) {
    case SSL_ERROR_WANT_READ:
      return std::nullopt;
    case SSL_ERROR_ZERO_RETURN:
      return 0;
    case SSL_ERROR_SYSCALL:
      // After our close_notify OpenSSL drops what is not data, e.g. a ticket, in this way.
      if (ERR_peek_error() == 0 && (SSL_get_shutdown(ssl_) & SSL_SENT_SHUTDOWN) != 0) {
        return std::nullopt;
      }
      [[fallthrough]];
    default:
      failure_ = take_tls_failure(ssl_, host_);
      state_ = State::kFailed;
      queue_.reset();
      return UV_EPROTO;
  }
}

void TlsStream::hand_over(std::string_view data) {
  if (is_reading_ && held_.empty()) {
    listener_->on_read(data);
  } else {
    held_ += data;
  }
}

void TlsStream::on_soon(Soon&) {
  if (state_ == State::kHandshake) {
    transport_->start_reading();
    const std::string received = std::exchange(held_, {});
    on_read(received);
  } else if (is_reading_) {
    deliver_held();
  } else if (std::exchange(must_tell_write_failure_, false) && !listener_->on_write_failed()) {
    report_end(*held_end_);
  }
}

// The owner reads again. It may stop in any event, or close.
void TlsStream::deliver_held() {
  TlsBuffers& buffers = loop_.tls_buffers();
  while (is_reading_ && !held_.empty()) {
    const std::size_t size = held_.copy(buffers.plain.data(), TlsBuffers::kPlainBytes);
    held_.erase(0, size);
    listener_->on_read({buffers.plain.data(), size});
  }
  if (!is_reading_) return;
  held_.shrink_to_fit();
  if (held_end_) {
    report_end(*held_end_);
  } else {
    transport_->start_reading();
  }
}

// ---------------------------------------------------------------------------------------------
// The end.

void TlsStream::on_end(int error) {
  if (state_ == State::kHandshake) {
    return fail(error != 0 ? error : UV_ECONNRESET, "the peer ended the handshake");
  }
  if (error == 0 && is_client() && !has_ended_) {
    failure_ = "the peer ended the connection without close_notify";
    error = UV_ECONNRESET;
  }
  if (soon_.is_armed()) {
    if (!held_end_) held_end_ = error;  // behind what is held
  } else {
    report_end(error);
  }
}

void TlsStream::fail(int error, std::string failure) {
  state_ = State::kFailed;
  failure_ = std::move(failure);
  queue_.reset();
  if (connect_listener_ == nullptr) return end(error);
  has_ended_ = true;
  transport_->stop_reading();
  std::exchange(connect_listener_, nullptr)->on_connected(error);
}

// Behind what is held.
void TlsStream::end(int error) {
  if (is_closing() || has_ended_) return;
  transport_->stop_reading();
  if (is_reading_) return report_end(error);
  held_end_ = error;
}

void TlsStream::report_end(int error) {
  if (is_closing() || std::exchange(has_ended_, true)) return;
  is_reading_ = false;
  transport_->stop_reading();
  listener_->on_end(error);
}

void TlsStream::close() {
  loop_.assert_thread();
  if (is_closing()) return;
  if (state_ == State::kOpen && !queue_) {
    SSL_shutdown(ssl_);
    flush_records();
  }
  stop_for_good();
  transport_->close();
}

void TlsStream::reset() {
  stop_for_good();
  transport_->reset();
}

void TlsStream::stop_for_good() {
  is_reading_ = false;
  soon_.cancel();
}

}  // namespace sockhook::net
