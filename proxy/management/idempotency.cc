#include "proxy/management/idempotency.h"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>

#include "protocol/base/check.h"

namespace sockhook::management {
namespace {

// SHA-256 of several texts, each with its length in front, so that no two lists look alike.
class DigestMaker {
 public:
  DigestMaker() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    SOCKHOOK_CHECK(context_ && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
  }
  DigestMaker& add(std::string_view text) {
    const std::size_t size = text.size();
    update(&size, sizeof(size));
    update(text.data(), size);
    return *this;
  }
  backplane::Digest finish() {
    backplane::Digest digest{};
    unsigned size = 0;
    SOCKHOOK_CHECK(EVP_DigestFinal_ex(context_.get(), digest.data(), &size) == 1);
    SOCKHOOK_CHECK(size == digest.size());
    return digest;
  }

 private:
  void update(const void* data, std::size_t size) {
    SOCKHOOK_CHECK(EVP_DigestUpdate(context_.get(), data, size) == 1);
  }

  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context_;
};

}  // namespace

bool is_valid_idempotency_key(std::string_view key) {
  constexpr std::size_t kMaxBytes = 255;
  return !key.empty() && key.size() <= kMaxBytes &&
         std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

backplane::Claim claim_of(std::string_view key, const push::Scope& scope, std::string_view target,
                          const CallRequest& request) {
  DigestMaker key_digest;
  key_digest.add(key);
  if (scope) {
    for (const std::string& endpoint : *scope) key_digest.add(endpoint);
  }
  DigestMaker fingerprint;
  fingerprint.add(target)
      .add(request.payload_kind == PayloadKind::kBinary ? "binary" : "text")
      .add(request.payload);
  for (const std::string& id : request.excluded) fingerprint.add(id);
  return {key_digest.finish(), fingerprint.finish()};
}

bool is_remembered(const Answer& answer, const push::PushOutcome& outcome) {
  switch (answer.status) {
    case 200:
      return outcome.unknown_nodes.empty();
    case 202:
    case 410:
    case 413:
      return true;
    default:
      return false;
  }
}

}  // namespace sockhook::management
