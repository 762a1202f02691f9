#include "protocol/webhook/request_id.h"

#include <openssl/sha.h>

#include "protocol/webhook/base64.h"

namespace sockhook::webhook {

namespace {

std::string id_of(const std::uint8_t* bytes) {
  return base64url({reinterpret_cast<const char*>(bytes), kRequestIdRandomBytes}) + '=';
}

std::string derived_id(std::string_view purpose, std::string_view event_id) {
  std::string text(purpose);
  text += event_id;
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return id_of(digest.data());
}

}  // namespace

std::string request_id(const std::array<std::uint8_t, kRequestIdRandomBytes>& random) {
  return id_of(random.data());
}

std::string lambda_request_id(std::string_view event_id) {
  return derived_id("request ", event_id);
}

std::string lambda_message_id(std::string_view event_id) {
  return derived_id("message ", event_id);
}

}  // namespace sockhook::webhook
