// TlsPeer: the other end of a TLS connection, by OpenSSL itself on strings, so that a test decides
// what travels, in which pieces, and what a peer does that no decent one would.

#pragma once

#include <openssl/ssl.h>

#include <string>
#include <string_view>
#include <utility>

#include "protocol/base/check.h"

namespace sockhook::testing {

class TlsPeer {
 public:
  enum class Role { kClient, kServer };

  // `prepare` may set the context up: certificates, versions.
  template <typename Prepare>
  TlsPeer(Role role, Prepare prepare)
      : context_(SSL_CTX_new(role == Role::kClient ? TLS_client_method() : TLS_server_method())) {
    prepare(context_);
    ssl_ = SSL_new(context_);
    SSL_set_bio(ssl_, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    role == Role::kClient ? SSL_set_connect_state(ssl_) : SSL_set_accept_state(ssl_);
  }
  explicit TlsPeer(Role role) : TlsPeer(role, [](SSL_CTX*) {}) {}
  ~TlsPeer() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }
  TlsPeer(const TlsPeer&) = delete;
  TlsPeer& operator=(const TlsPeer&) = delete;

  SSL* ssl() { return ssl_; }

  // What has come from the other side; reads it, or goes on with the handshake.
  void feed(std::string_view bytes) {
    if (!bytes.empty()) {
      BIO_write(SSL_get_rbio(ssl_), bytes.data(), static_cast<int>(bytes.size()));
    }
    if (!is_open() && SSL_do_handshake(ssl_) != 1) return;
    char buffer[16384];
    for (int size = 0; (size = SSL_read(ssl_, buffer, sizeof(buffer))) > 0;) {
      received.append(buffer, static_cast<std::size_t>(size));
    }
    got_close_notify = (SSL_get_shutdown(ssl_) & SSL_RECEIVED_SHUTDOWN) != 0;
  }
  // What is to go there.
  std::string take() {
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(SSL_get_wbio(ssl_), &bytes);
    std::string taken(bytes, static_cast<std::size_t>(size));
    static_cast<void>(BIO_reset(SSL_get_wbio(ssl_)));
    return taken;
  }

  bool is_open() const { return SSL_is_init_finished(ssl_) != 0; }
  void write(std::string_view data) {
    SOCKHOOK_CHECK(SSL_write(ssl_, data.data(), static_cast<int>(data.size())) ==
                   static_cast<int>(data.size()));
  }
  void close_notify() { SSL_shutdown(ssl_); }

  std::string received;
  bool got_close_notify = false;

 private:
  SSL_CTX* context_;
  SSL* ssl_ = nullptr;
};

}  // namespace sockhook::testing
