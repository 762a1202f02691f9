#include "proxy/net/tls_context.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <map>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/base/check.h"
#include "proxy/net/tls_error.h"

namespace sockhook::net {
namespace {

using conf::CertificateFiles;
using Error = std::optional<std::string>;

struct ContextDeleter {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using ContextPtr = std::unique_ptr<SSL_CTX, ContextDeleter>;

constexpr std::string_view kHttp11 = "http/1.1";
constexpr unsigned char kHttp11List[] = "\x08http/1.1";
constexpr const char* kServerCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";  // of TLS 1.2
constexpr std::string_view kSessionContext = "sockhook";

ContextPtr new_context(const SSL_METHOD* method) {
  ContextPtr context(SSL_CTX_new(method));
  SOCKHOOK_CHECK(context != nullptr);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // An idle connection has no buffers.
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  // A key with a passphrase is an error, not a question on the terminal.
  SSL_CTX_set_default_passwd_cb(context.get(), [](char*, int, int, void*) { return -1; });
  return context;
}

Error use_certificate(SSL_CTX* context, const CertificateFiles& files) {
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1) {
    return "cannot read the certificate " + files.certificate + ": " + take_tls_error();
  }
  const int is_read = SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM);
  if (is_read == 1 && SSL_CTX_check_private_key(context) == 1) return std::nullopt;
  const unsigned long error = ERR_peek_error();
  const bool fits = is_read != 1 && ERR_GET_REASON(error) != X509_R_KEY_VALUES_MISMATCH;
  std::string why = take_tls_error();
  if (fits) return "cannot read the key " + files.key + ": " + why;
  return "the key " + files.key + " is not that of the certificate " + files.certificate;
}

Error use_authority(SSL_CTX* context, const std::string& file) {
  ERR_clear_error();
  if (SSL_CTX_load_verify_file(context, file.c_str()) != 1) {
    return "cannot read the authority " + file + ": " + take_tls_error();
  }
  // Whatever stands in the file is trusted, be it an intermediate authority.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
  return std::nullopt;
}

// SSL_CTX_set_alpn_select_cb's.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* size,
                    const unsigned char* offered, unsigned offered_size, void*) {
  for (unsigned at = 0; at < offered_size; at += offered[at] + 1U) {
    const auto* name = reinterpret_cast<const char*>(offered + at + 1);
    if (std::string_view(name, offered[at]) != kHttp11) continue;
    *chosen = offered + at + 1;
    *size = offered[at];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

Result<ContextPtr, std::string> server_context(const CertificateFiles& files,
                                               const std::optional<std::string>& client_ca) {
  ContextPtr context = new_context(TLS_server_method());
  SSL_CTX* const ctx = context.get();
  SOCKHOOK_CHECK(SSL_CTX_set_cipher_list(ctx, kServerCiphers) == 1);
  SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, nullptr);
  SSL_CTX_set_num_tickets(ctx, 1);
  SSL_CTX_set_timeout(ctx, TlsContext::kSessionSeconds);
  // The same for all certificates: a ticket may come back with another server_name.
  SSL_CTX_set_session_id_context(
      ctx, reinterpret_cast<const unsigned char*>(kSessionContext.data()), kSessionContext.size());
  if (Error error = use_certificate(ctx, files)) return Failure{std::move(*error)};
  if (!client_ca) return context;
  if (Error error = use_authority(ctx, *client_ca)) return Failure{std::move(*error)};
  SSL_CTX_set_client_CA_list(ctx, SSL_load_client_CA_file(client_ca->c_str()));
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return context;
}

std::string name_of(const ASN1_STRING* text) {
  const auto* bytes = reinterpret_cast<const char*>(ASN1_STRING_get0_data(text));
  std::string name(bytes, static_cast<std::size_t>(ASN1_STRING_length(text)));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name;
}

// The DNS names of the subjectAltName, or else the common name (RFC 6125 6.4.4).
std::vector<std::string> names_of(const X509* certificate) {
  std::vector<std::string> names;
  auto* alternatives = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(alternatives); ++i) {
    const GENERAL_NAME* alternative = sk_GENERAL_NAME_value(alternatives, i);
    if (alternative->type == GEN_DNS) names.push_back(name_of(alternative->d.dNSName));
  }
  GENERAL_NAMES_free(alternatives);
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int common = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (names.empty() && common >= 0) {
    names.push_back(name_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, common))));
  }
  return names;
}

// Fingerprints of the authorities that may sign clients' certificates.
std::set<std::string> authorities_of(const SSL_CTX* context) {
  std::set<std::string> authorities;
  const STACK_OF(X509_OBJECT)* objects = X509_STORE_get0_objects(SSL_CTX_get_cert_store(context));
  for (int i = 0; i < sk_X509_OBJECT_num(objects); ++i) {
    const X509* certificate = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
    if (certificate == nullptr) continue;
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    SOCKHOOK_CHECK(X509_digest(certificate, EVP_sha256(), digest, &size) == 1);
    authorities.emplace(reinterpret_cast<const char*>(digest), size);
  }
  return authorities;
}

void take_ticket_keys(SSL_CTX* from, SSL_CTX* to) {
  std::vector<unsigned char> keys(
      static_cast<std::size_t>(SSL_CTX_get_tlsext_ticket_keys(from, nullptr, 0)));
  SOCKHOOK_CHECK(SSL_CTX_get_tlsext_ticket_keys(from, keys.data(), keys.size()) == 1);
  SOCKHOOK_CHECK(SSL_CTX_set_tlsext_ticket_keys(to, keys.data(), keys.size()) == 1);
  OPENSSL_cleanse(keys.data(), keys.size());
}

std::string normalised(const char* server_name) {
  std::string name = server_name;
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (!name.empty() && name.back() == '.') name.pop_back();
  return name;
}

}  // namespace

struct TlsContext::Parts {
  void add(ContextPtr context) {
    for (std::string& name : names_of(SSL_CTX_get0_certificate(context.get()))) {
      by_name.emplace(std::move(name), context.get());
    }
    contexts.push_back(std::move(context));
  }
  SSL_CTX* find(const std::string& name) const {
    auto found = by_name.find(name);
    if (found != by_name.end()) return found->second;
    const std::size_t dot = name.find('.');
    if (dot == std::string::npos) return nullptr;
    found = by_name.find("*" + name.substr(dot));
    return found != by_name.end() ? found->second : nullptr;
  }
  bool is_same_to_clients(const Parts& other) const {
    const auto same_name = [](const auto& a, const auto& b) { return a.first == b.first; };
    return std::equal(by_name.begin(), by_name.end(), other.by_name.begin(), other.by_name.end(),
                      same_name) &&
           authorities_of(contexts.front().get()) == authorities_of(other.contexts.front().get());
  }
  // SSL_CTX_set_tlsext_servername_callback's.
  static int choose_certificate(SSL* ssl, int*, void* parts) {
    const char* server_name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (server_name == nullptr) return SSL_TLSEXT_ERR_NOACK;
    SSL_CTX* const context = static_cast<const Parts*>(parts)->find(normalised(server_name));
    if (context == nullptr) return SSL_TLSEXT_ERR_NOACK;
    SSL_set_SSL_CTX(ssl, context);
    return SSL_TLSEXT_ERR_OK;
  }

  std::vector<ContextPtr> contexts;         // the first one is what connections begin with
  std::map<std::string, SSL_CTX*> by_name;  // servers: names in lower case, "*.example.com" too
};

TlsContext::TlsContext(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
TlsContext::~TlsContext() = default;

ssl_ctx_st* TlsContext::get() const { return parts_->contexts.front().get(); }

Result<TlsContextPtr, std::string> TlsContext::server(const conf::ServerTls& tls,
                                                      const TlsContext* before) {
  auto parts = std::make_unique<Parts>();
  std::vector<CertificateFiles> all = {tls.files};
  all.insert(all.end(), tls.certificates.begin(), tls.certificates.end());
  for (const CertificateFiles& files : all) {
    auto context = server_context(files, tls.client_ca);
    if (!context) return Failure{context.error()};
    parts->add(std::move(*context));
  }
  SSL_CTX* const first = parts->contexts.front().get();
  SSL_CTX_set_tlsext_servername_callback(first, Parts::choose_certificate);
  SSL_CTX_set_tlsext_servername_arg(first, parts.get());
  // The tickets of all are made with the keys of the first: connections begin with it.
  if (before != nullptr && parts->is_same_to_clients(*before->parts_)) {
    take_ticket_keys(before->get(), first);
  }
  return TlsContextPtr(new TlsContext(std::move(parts)));
}

Result<TlsContextPtr, std::string> TlsContext::client(const conf::ClientTls& tls, Alpn alpn) {
  ContextPtr context = new_context(TLS_client_method());
  SSL_CTX* const ctx = context.get();
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, nullptr);
  if (!tls.ca) {
    SSL_CTX_set_default_verify_paths(ctx);
  } else if (Error error = use_authority(ctx, *tls.ca)) {
    return Failure{std::move(*error)};
  }
  if (tls.files) {
    if (Error error = use_certificate(ctx, *tls.files)) return Failure{std::move(*error)};
  }
  if (alpn == Alpn::kHttp11) {
    SSL_CTX_set_alpn_protos(ctx, kHttp11List, sizeof(kHttp11List) - 1);
  }
  auto parts = std::make_unique<Parts>();
  parts->contexts.push_back(std::move(context));
  return TlsContextPtr(new TlsContext(std::move(parts)));
}

}  // namespace sockhook::net
