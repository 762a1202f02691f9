#include "proxy/net/tls_error.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cstring>
#include <string_view>

namespace sockhook::net {
namespace {

std::string text_of(unsigned long error) {
  if (error == 0) return "unknown error";
  if (ERR_SYSTEM_ERROR(error)) return std::strerror(ERR_GET_REASON(error));
  const char* reason = ERR_reason_error_string(error);
  return reason != nullptr ? reason : "error " + std::to_string(error);
}

// The certificate that the peer has shown was checked and not accepted.
std::string certificate_failure(long result, const std::string& host) {
  const std::string whose =
      host.empty() ? "the client's certificate" : "the certificate of " + host;
  switch (result) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return whose + " has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return whose + " is not valid yet";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return whose + " is for another name";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:  // of another one with that name
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return whose + " is signed by an unknown authority";
    default:
      return whose + " is not accepted: " + X509_verify_cert_error_string(result);
  }
}

// Alerts of the peer are numbered from here (RFC 8446 6, openssl/sslerr.h).
bool is_alert(int reason) { return reason >= SSL_AD_REASON_OFFSET; }

std::string alert_failure(std::string reason) {
  const std::size_t at = reason.find("alert ");
  if (at != std::string::npos) reason.erase(0, at + std::strlen("alert "));
  return "the peer refuses: " + reason;
}

bool is_no_tls(int reason) {
  return reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST ||
         reason == SSL_R_HTTPS_PROXY_REQUEST || reason == SSL_R_UNEXPECTED_MESSAGE ||
         reason == SSL_R_PACKET_LENGTH_TOO_LONG;
}

}  // namespace

std::string take_tls_error() {
  const unsigned long error = ERR_get_error();
  ERR_clear_error();
  return text_of(error);
}

std::string take_tls_failure(const ssl_st* ssl, const std::string& host) {
  // The newest one is that of TLS itself; what a signature's algorithm said stands before it.
  const unsigned long error = ERR_peek_last_error();
  const int reason = ERR_GET_REASON(error);
  const bool is_of_tls = ERR_GET_LIB(error) == ERR_LIB_SSL;
  std::string text = text_of(error);
  ERR_clear_error();
  if (is_of_tls && reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    return certificate_failure(SSL_get_verify_result(ssl), host);
  }
  if (is_of_tls && reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
    return "the client has shown no certificate";
  }
  if (is_of_tls && is_alert(reason)) return alert_failure(std::move(text));
  if (is_of_tls && is_no_tls(reason) && SSL_in_init(ssl) != 0) return "the peer speaks no TLS";
  return "TLS failed: " + text;
}

}  // namespace sockhook::net
