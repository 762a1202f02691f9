// TlsContext: what the TLS connections of one listener, or those to one backend or Redis, have in
// common: certificates, authorities, versions, the keys of session tickets.
//
// Immutable and shared by all threads: a ticket that one worker has given is good on every other.
// A reload makes a new one and swaps the pointer; streams keep the one that they began with. The
// ticket keys go along from the one before, so that clients go on resuming, where its certificates
// have the same names and its clients' authority is the same: a ticket vouches for the names that
// its client has checked once, and for the client's own certificate. Else there are new keys.
//
// Versions: TLS 1.2 and 1.3, no renegotiation, no compression, no early data. Servers take ECDHE
// with AES-GCM or ChaCha20 only; clients what OpenSSL takes by default.
//
// Errors: every file is read, and each key compared with its certificate, when it is made; the
// error is a sentence for the operator that names the file.

#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "conf/config.h"
#include "protocol/base/result.h"

struct ssl_ctx_st;  // OpenSSL's SSL_CTX

namespace sockhook::net {

class TlsContext;
using TlsContextPtr = std::shared_ptr<const TlsContext>;

class TlsContext {
 public:
  // How long a session can be resumed.
  static constexpr long kSessionSeconds = 3600;

  // What the client asks for by ALPN (RFC 7301); servers always choose http/1.1 where it is asked
  // for, and refuse a client that asks for other protocols only.
  enum class Alpn : std::uint8_t { kNone, kHttp11 };

  // The certificate whose names (DNS names of its subjectAltName, else its CN; `*.` for one label)
  // fit the server_name that the client asks for, the first of several; `files` if none fits or
  // none is asked for. With `client_ca` a client must show a certificate of that authority.
  // `before`: whose place it takes, if any.
  static Result<TlsContextPtr, std::string> server(const conf::ServerTls& tls,
                                                   const TlsContext* before = nullptr);

  // Checks the peer against `ca`, or the system's authorities, and shows `files` if given.
  static Result<TlsContextPtr, std::string> client(const conf::ClientTls& tls, Alpn alpn);

  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

 private:
  friend class TlsStream;
  struct Parts;  // OpenSSL's

  explicit TlsContext(std::unique_ptr<Parts> parts);
  ssl_ctx_st* get() const;

  const std::unique_ptr<Parts> parts_;
};

}  // namespace sockhook::net
