// TestAuthority: a certificate authority of a test's own, with the files that it hands out in a
// directory that goes with it.

#pragma once

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "conf/config.h"
#include "protocol/base/check.h"

namespace sockhook::testing {

struct CertificateWish {
  std::string common_name;
  std::vector<std::string> alternatives = {};  // "DNS:localhost", "IP:127.0.0.1"
  long from_s = -3600;                         // from now
  long until_s = 3600;
  int names = 1;  // how often the subject says its name
};

class TestAuthority {
 public:
  explicit TestAuthority(const std::string& name = "Test Authority")
      : directory_(make_directory()), key_(EVP_EC_gen("P-256")) {
    certificate_ = sign({.common_name = name}, key_, nullptr);
    write_certificate(file(), certificate_);
  }
  ~TestAuthority() {
    X509_free(certificate_);
    EVP_PKEY_free(key_);
    std::filesystem::remove_all(directory_);
  }
  TestAuthority(const TestAuthority&) = delete;
  TestAuthority& operator=(const TestAuthority&) = delete;

  std::string file() const { return directory_ + "/ca.crt"; }

  // A certificate with a key of its own.
  conf::CertificateFiles issue(const CertificateWish& wish) {
    const std::string base = directory_ + "/" + std::to_string(++issued_);
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = sign(wish, key, certificate_);
    write_certificate(base + ".crt", certificate);
    std::FILE* out = std::fopen((base + ".key").c_str(), "w");
    SOCKHOOK_CHECK(out != nullptr);
    SOCKHOOK_CHECK(PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
    std::fclose(out);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return {base + ".crt", base + ".key"};
  }
  // For localhost, as servers in tests need it.
  conf::CertificateFiles issue_for_localhost() {
    return issue({.common_name = "server", .alternatives = {"DNS:localhost", "IP:127.0.0.1"}});
  }

 private:
  static std::string make_directory() {
    std::string name = ::testing::TempDir() + "/sockhook-ca-XXXXXX";
    SOCKHOOK_CHECK(::mkdtemp(name.data()) != nullptr);
    return name;
  }

  static void write_certificate(const std::string& file, X509* certificate) {
    std::FILE* out = std::fopen(file.c_str(), "w");
    SOCKHOOK_CHECK(out != nullptr);
    SOCKHOOK_CHECK(PEM_write_X509(out, certificate) == 1);
    std::fclose(out);
  }

  static void extend(X509* certificate, int extension, const std::string& value) {
    X509_EXTENSION* made = X509V3_EXT_conf_nid(nullptr, nullptr, extension, value.c_str());
    SOCKHOOK_CHECK(made != nullptr);
    X509_add_ext(certificate, made, -1);
    X509_EXTENSION_free(made);
  }

  // By this authority, or by itself where there is no issuer.
  X509* sign(const CertificateWish& wish, EVP_PKEY* key, X509* issuer) {
    X509* certificate = X509_new();
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial_);
    X509_gmtime_adj(X509_getm_notBefore(certificate), wish.from_s);
    X509_gmtime_adj(X509_getm_notAfter(certificate), wish.until_s);
    X509_set_pubkey(certificate, key);
    X509_NAME* subject = X509_get_subject_name(certificate);
    const auto* name = reinterpret_cast<const unsigned char*>(wish.common_name.c_str());
    X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("Sockhook"), -1, -1, 0);
    for (int i = 0; i < wish.names; ++i) {
      X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, name, -1, -1, 0);
    }
    X509_set_issuer_name(certificate, issuer == nullptr ? subject : X509_get_subject_name(issuer));
    if (issuer == nullptr) extend(certificate, NID_basic_constraints, "critical,CA:TRUE");
    std::string alternatives;
    for (const std::string& alternative : wish.alternatives) {
      alternatives += (alternatives.empty() ? "" : ",") + alternative;
    }
    if (!alternatives.empty()) extend(certificate, NID_subject_alt_name, alternatives);
    SOCKHOOK_CHECK(X509_sign(certificate, key_, EVP_sha256()) != 0);
    return certificate;
  }

  const std::string directory_;
  EVP_PKEY* const key_;
  X509* certificate_ = nullptr;
  int issued_ = 0;
  long serial_ = 0;
};

}  // namespace sockhook::testing
