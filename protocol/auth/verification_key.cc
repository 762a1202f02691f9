#include "protocol/auth/verification_key.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "protocol/webhook/base64.h"

namespace sockhook::auth {
namespace {

using Json = nlohmann::json;

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using PkeyPtr = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using BioPtr = std::unique_ptr<BIO, Deleter<BIO_free>>;
using BignumPtr = std::unique_ptr<BIGNUM, Deleter<BN_free>>;
using ContextPtr = std::unique_ptr<EVP_PKEY_CTX, Deleter<EVP_PKEY_CTX_free>>;
using DigestPtr = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;
using BuilderPtr = std::unique_ptr<OSSL_PARAM_BLD, Deleter<OSSL_PARAM_BLD_free>>;
using ParamsPtr = std::unique_ptr<OSSL_PARAM, Deleter<OSSL_PARAM_free>>;
using SignaturePtr = std::unique_ptr<ECDSA_SIG, Deleter<ECDSA_SIG_free>>;
using CertificatePtr = std::unique_ptr<X509, Deleter<X509_free>>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

const EVP_MD* digest_of(Algorithm algorithm) {
  switch (hash_bytes(algorithm)) {
    case 32:
      return EVP_sha256();
    case 48:
      return EVP_sha384();
    case 64:
      return EVP_sha512();
    default:
      return nullptr;
  }
}

// The curve of a key by its name: another curve of 256 bits is not P-256.
bool is_on_curve_of(const EVP_PKEY* pkey, Algorithm algorithm) {
  if (EVP_PKEY_is_a(pkey, "EC") == 0) return false;
  std::array<char, 64> name{};
  std::size_t size = 0;
  if (EVP_PKEY_get_group_name(pkey, name.data(), name.size(), &size) != 1) return false;
  const std::string_view curve(name.data(), size);
  return curve == (algorithm == Algorithm::kEs256 ? "prime256v1" : "secp384r1");
}

bool is_of_family(const EVP_PKEY* pkey, Algorithm algorithm) {
  switch (family_of(algorithm)) {
    case Family::kHmac:
      return false;
    case Family::kRsa:
    case Family::kRsaPss:
      return EVP_PKEY_is_a(pkey, "RSA") != 0;
    case Family::kEcdsa:
      return is_on_curve_of(pkey, algorithm);
    case Family::kEdDsa:
      return EVP_PKEY_is_a(pkey, "ED25519") != 0;
  }
  return false;
}

PkeyPtr read_pem(std::string_view pem) {
  const auto open = [&] {
    return BioPtr(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  };
  if (PkeyPtr key{PEM_read_bio_PUBKEY(open().get(), nullptr, nullptr, nullptr)}) return key;
  const CertificatePtr certificate{PEM_read_bio_X509(open().get(), nullptr, nullptr, nullptr)};
  return PkeyPtr(certificate ? X509_get_pubkey(certificate.get()) : nullptr);
}

// ---- JWK members

std::string text_member(const Json& jwk, const char* name) {
  const auto member = jwk.find(name);
  return member != jwk.end() && member->is_string() ? member->get<std::string>() : std::string();
}

std::optional<std::string> binary_member(const Json& jwk, const char* name) {
  const std::string text = text_member(jwk, name);
  return text.empty() ? std::nullopt : webhook::decode_base64url(text);
}

PkeyPtr make_key(const char* type, OSSL_PARAM_BLD* builder) {
  const ParamsPtr params{OSSL_PARAM_BLD_to_param(builder)};
  const ContextPtr context{EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr)};
  EVP_PKEY* key = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    return nullptr;
  }
  return PkeyPtr(key);
}

PkeyPtr rsa_key(const Json& jwk) {
  const auto modulus = binary_member(jwk, "n");
  const auto exponent = binary_member(jwk, "e");
  if (!modulus || !exponent) return nullptr;
  const auto number = [](const std::string& bytes) {
    return BignumPtr(BN_bin2bn(bytes_of(bytes), static_cast<int>(bytes.size()), nullptr));
  };
  const BignumPtr n = number(*modulus);
  const BignumPtr e = number(*exponent);
  const BuilderPtr builder{OSSL_PARAM_BLD_new()};
  if (OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1) {
    return nullptr;
  }
  return make_key("RSA", builder.get());
}

PkeyPtr ec_key(const Json& jwk) {
  const std::string curve = text_member(jwk, "crv");
  const std::size_t size = curve == "P-256" ? 32 : curve == "P-384" ? 48 : 0;
  const auto x = binary_member(jwk, "x");
  const auto y = binary_member(jwk, "y");
  if (size == 0 || !x || !y || x->size() != size || y->size() != size) return nullptr;
  const std::string point = "\x04" + *x + *y;  // uncompressed
  const BuilderPtr builder{OSSL_PARAM_BLD_new()};
  if (OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve.data(),
                                      curve.size()) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                       point.size()) != 1) {
    return nullptr;
  }
  return make_key("EC", builder.get());
}

PkeyPtr okp_key(const Json& jwk) {
  const auto x = binary_member(jwk, "x");
  if (text_member(jwk, "crv") != "Ed25519" || !x) return nullptr;
  return PkeyPtr(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(*x), x->size()));
}

// ---- signatures

// A JWS has r and s one after the other (RFC 7518 section 3.4), OpenSSL wants them in DER.
std::vector<unsigned char> to_der(std::string_view signature) {
  const std::size_t half = signature.size() / 2;
  const auto number = [](std::string_view bytes) {
    return BN_bin2bn(bytes_of(bytes), static_cast<int>(bytes.size()), nullptr);
  };
  const SignaturePtr pair{ECDSA_SIG_new()};
  ECDSA_SIG_set0(pair.get(), number(signature.substr(0, half)), number(signature.substr(half)));
  std::vector<unsigned char> der(static_cast<std::size_t>(i2d_ECDSA_SIG(pair.get(), nullptr)));
  unsigned char* out = der.data();
  i2d_ECDSA_SIG(pair.get(), &out);
  return der;
}

bool verify_hmac(const std::string& secret, Algorithm algorithm, std::string_view input,
                 std::string_view signature) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> expected{};
  unsigned size = 0;
  if (HMAC(digest_of(algorithm), secret.data(), static_cast<int>(secret.size()), bytes_of(input),
           input.size(), expected.data(), &size) == nullptr) {
    return false;
  }
  return signature.size() == size && CRYPTO_memcmp(expected.data(), signature.data(), size) == 0;
}

}  // namespace

struct VerificationKey::PublicKey {
  PkeyPtr pkey;
};

Result<VerificationKey, std::string> VerificationKey::from_text(std::string_view text) {
  VerificationKey key;
  if (!text.starts_with("-----BEGIN")) {
    key.secret_ = text;
  } else if (PkeyPtr pkey = read_pem(text)) {
    key.public_key_ = std::make_shared<const PublicKey>(PublicKey{std::move(pkey)});
  }
  return checked(std::move(key));
}

Result<VerificationKey, std::string> VerificationKey::from_jwk(std::string_view json) {
  const Json jwk = Json::parse(json, nullptr, false);
  if (!jwk.is_object()) return Failure{std::string("is no JSON object")};
  const std::string use = text_member(jwk, "use");
  if (!use.empty() && use != "sig") return Failure{std::string("is not for signatures")};
  VerificationKey key;
  key.id_ = text_member(jwk, "kid");
  if (jwk.contains("alg")) {
    key.only_ = parse_algorithm(text_member(jwk, "alg"));
    if (!key.only_) return Failure{std::string("has an algorithm that is not known")};
  }
  const std::string type = text_member(jwk, "kty");
  PkeyPtr pkey;
  if (type == "oct") {
    key.secret_ = binary_member(jwk, "k").value_or("");
  } else if (type == "RSA") {
    pkey = rsa_key(jwk);
  } else if (type == "EC") {
    pkey = ec_key(jwk);
  } else if (type == "OKP") {
    pkey = okp_key(jwk);
  } else {
    return Failure{std::string("has a kty other than RSA, EC, OKP and oct")};
  }
  if (pkey) key.public_key_ = std::make_shared<const PublicKey>(PublicKey{std::move(pkey)});
  Result<VerificationKey, std::string> result = checked(std::move(key));
  if (result && result->only_ && !result->fits(*result->only_)) {
    return Failure{std::string("has an algorithm that is not of its kind")};
  }
  return result;
}

Result<VerificationKey, std::string> VerificationKey::checked(VerificationKey key) {
  if (!key.secret_.empty()) return key;
  if (!key.public_key_) return Failure{std::string("is no key that can be read")};
  const EVP_PKEY* pkey = key.public_key_->pkey.get();
  const int bits = EVP_PKEY_get_bits(pkey);
  if (EVP_PKEY_is_a(pkey, "RSA") != 0 && (bits < kMinRsaBits || bits > kMaxRsaBits)) {
    return Failure{std::string("is an RSA key of less than 2048 or more than 16384 bits")};
  }
  constexpr std::array kOneOfEach = {Algorithm::kRs256, Algorithm::kEs256, Algorithm::kEs384,
                                     Algorithm::kEdDsa};
  const bool is_usable =
      std::any_of(kOneOfEach.begin(), kOneOfEach.end(),
                  [&](Algorithm algorithm) { return is_of_family(pkey, algorithm); });
  if (!is_usable) return Failure{std::string("is a key that no known algorithm takes")};
  return key;
}

bool VerificationKey::fits(Algorithm algorithm) const {
  if (only_ && *only_ != algorithm) return false;
  if (!public_key_) return family_of(algorithm) == Family::kHmac;
  return is_of_family(public_key_->pkey.get(), algorithm);
}

bool VerificationKey::verify(Algorithm algorithm, std::string_view input,
                             std::string_view signature) const {
  if (!fits(algorithm)) return false;
  const Family family = family_of(algorithm);
  if (family == Family::kHmac) return verify_hmac(secret_, algorithm, input, signature);
  std::vector<unsigned char> der;
  if (family == Family::kEcdsa) {
    if (signature.size() != 2 * hash_bytes(algorithm)) return false;
    der = to_der(signature);
    signature = {reinterpret_cast<const char*>(der.data()), der.size()};
  }
  const DigestPtr context{EVP_MD_CTX_new()};
  EVP_PKEY_CTX* options = nullptr;  // belongs to `context`
  if (EVP_DigestVerifyInit(context.get(), &options, digest_of(algorithm), nullptr,
                           public_key_->pkey.get()) != 1) {
    return false;
  }
  if (family == Family::kRsaPss &&
      (EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) != 1 ||
       EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) != 1)) {
    return false;
  }
  return EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(input),
                          input.size()) == 1;
}

}  // namespace sockhook::auth
