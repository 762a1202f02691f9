// Signing secrets, and the two alphabets of base64 beneath tokens, secrets and payloads.
//
// Checked: what is decoded is encoded as it was, less the padding: each value has one spelling
// only.

#include <cstdint>
#include <string>

#include "protocol/base/check.h"
#include "protocol/webhook/base64.h"
#include "protocol/webhook/signature.h"

using namespace sockhook::webhook;
// namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  SOCKHOOK_CHECK(decode_base64(base64(text)) == text);
  SOCKHOOK_CHECK(decode_base64url(base64url(text)) == text);
  if (const auto bytes = decode_base64url(text)) SOCKHOOK_CHECK(base64url(*bytes) == text);
  if (const auto bytes = decode_base64(text)) {
    const std::string again = base64(*bytes);
    SOCKHOOK_CHECK(again == text || again.substr(0, again.find('=')) == text);
  }
  if (const auto key = decode_signing_secret(text)) {
    SOCKHOOK_CHECK(!key->empty() && text.starts_with("whsec_"));
    const Signer signer({std::string(text)});
    SOCKHOOK_CHECK(signer.sign("id", 1, "body").starts_with("v1,"));
  }
  return 0;
}
