// SigningKey: makes tokens of every algorithm with fresh keys, for the tests. The signatures come
// from OpenSSL's signing side, the product only has the verifying one.

#pragma once

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/webhook/base64.h"

namespace sockhook::auth {

class SigningKey {
 public:
  static SigningKey rsa(unsigned bits = 2048) { return SigningKey(EVP_RSA_gen(bits)); }
  static SigningKey ec(const char* curve) { return SigningKey(EVP_EC_gen(curve)); }
  static SigningKey ed25519() { return SigningKey(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")); }
  static SigningKey secret(std::string bytes) {
    SigningKey key(nullptr);
    key.secret_ = std::move(bytes);
    return key;
  }

  // What goes into the config: the public half, or the secret.
  std::string text() const {
    if (!pkey_) return secret_;
    BIO* out = BIO_new(BIO_s_mem());
    PEM_write_bio_PUBKEY(out, pkey_.get());
    char* data = nullptr;
    const long size = BIO_get_mem_data(out, &data);
    std::string pem(data, static_cast<std::size_t>(size));
    BIO_free(out);
    return pem;
  }

  // A member of the JWK that is a number or coordinates: base64url of its bytes.
  std::string number(const char* name) const {
    BIGNUM* value = nullptr;
    EVP_PKEY_get_bn_param(pkey_.get(), name, &value);
    std::string bytes(static_cast<std::size_t>(BN_num_bytes(value)), '\0');
    BN_bn2bin(value, reinterpret_cast<unsigned char*>(bytes.data()));
    BN_free(value);
    return webhook::base64url(bytes);
  }
  std::string raw_public() const {
    std::string bytes(32, '\0');
    std::size_t size = bytes.size();
    EVP_PKEY_get_raw_public_key(pkey_.get(), reinterpret_cast<unsigned char*>(bytes.data()), &size);
    return webhook::base64url(bytes);
  }

  std::string sign(const std::string& algorithm, std::string_view input) const {
    const EVP_MD* digest = algorithm.ends_with("256")   ? EVP_sha256()
                           : algorithm.ends_with("384") ? EVP_sha384()
                           : algorithm.ends_with("512") ? EVP_sha512()
                                                        : nullptr;
    const auto* data = reinterpret_cast<const unsigned char*>(input.data());
    if (algorithm.starts_with("HS")) {
      std::string mac(static_cast<std::size_t>(EVP_MD_get_size(digest)), '\0');
      const std::string key = pkey_ ? text() : secret_;
      HMAC(digest, key.data(), static_cast<int>(key.size()), data, input.size(),
           reinterpret_cast<unsigned char*>(mac.data()), nullptr);
      return mac;
    }
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    EVP_PKEY_CTX* options = nullptr;
    EVP_DigestSignInit(context, &options, digest, nullptr, pkey_.get());
    if (algorithm.starts_with("PS")) {
      EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING);
      EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST);
    }
    std::size_t size = 0;
    EVP_DigestSign(context, nullptr, &size, data, input.size());
    std::string signature(size, '\0');
    EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &size, data,
                   input.size());
    signature.resize(size);
    EVP_MD_CTX_free(context);
    return algorithm.starts_with("ES") ? raw_pair(signature, algorithm == "ES256" ? 32 : 48)
                                       : signature;
  }

  std::string token(const std::string& algorithm, std::string_view payload,
                    std::string_view more_header = "") const {
    const std::string input =
        webhook::base64url(R"({"alg":")" + algorithm + "\"" + std::string(more_header) + "}") +
        "." + webhook::base64url(payload);
    return input + "." + webhook::base64url(sign(algorithm, input));
  }

 private:
  explicit SigningKey(EVP_PKEY* pkey) : pkey_(pkey, EVP_PKEY_free) {}

  static std::string raw_pair(const std::string& der, int half) {
    const auto* data = reinterpret_cast<const unsigned char*>(der.data());
    ECDSA_SIG* pair = d2i_ECDSA_SIG(nullptr, &data, static_cast<long>(der.size()));
    std::string raw(static_cast<std::size_t>(2 * half), '\0');
    auto* out = reinterpret_cast<unsigned char*>(raw.data());
    BN_bn2binpad(ECDSA_SIG_get0_r(pair), out, half);
    BN_bn2binpad(ECDSA_SIG_get0_s(pair), out + half, half);
    ECDSA_SIG_free(pair);
    return raw;
  }

  std::shared_ptr<EVP_PKEY> pkey_;
  std::string secret_;
};

}  // namespace sockhook::auth
