#include "protocol/websocket/handshake.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>

namespace sockhook::websocket {
namespace {

constexpr std::string_view kVersion = "13";
constexpr std::string_view kAcceptSuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // section 1.3

bool is_base64_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
         c == '/';
}

// 16 bytes in base64 are 22 characters and two signs of padding.
bool is_key(std::string_view key) {
  return key.size() == 24 && key.ends_with("==") &&
         std::all_of(key.begin(), key.end() - 2, is_base64_char);
}

const std::string* find_only(const http::Headers& headers, std::string_view name) {
  return headers.count(name) == 1 ? headers.find(name) : nullptr;
}

UpgradeRefusal refuse(int status, std::string_view detail, std::string_view header_name = {},
                      std::string_view header_value = {}) {
  return {status, detail, header_name, header_value};
}

}  // namespace

bool is_websocket_request(const http::RequestHead& request) {
  return request.headers.has_token("Connection", "upgrade") &&
         request.headers.has_token("Upgrade", "websocket");
}

std::optional<UpgradeRefusal> check_upgrade(const http::RequestHead& request) {
  if (request.method != "GET") return refuse(405, "a WebSocket begins with GET", "Allow", "GET");
  if (request.minor_version < 1) return refuse(400, "a WebSocket needs HTTP/1.1");
  if (!is_websocket_request(request)) {
    return refuse(426, "this address speaks WebSocket", "Upgrade", "websocket");
  }
  // A body's bytes could be mistaken for frames, or frames for a body.
  if (request.framing.has_body()) return refuse(400, "a handshake has no body");
  const std::string* const version = find_only(request.headers, "Sec-WebSocket-Version");
  if (version == nullptr) return refuse(400, "Sec-WebSocket-Version must be given once");
  if (*version != kVersion) {
    return refuse(426, "only version 13 of WebSocket is spoken here", "Sec-WebSocket-Version",
                  kVersion);
  }
  const std::string* const key = find_only(request.headers, "Sec-WebSocket-Key");
  if (key == nullptr || !is_key(*key)) {
    return refuse(400, "Sec-WebSocket-Key must be given once, 16 bytes in base64");
  }
  if (!offered_subprotocols(request)) {
    return refuse(400, "Sec-WebSocket-Protocol must be a list of different tokens");
  }
  return std::nullopt;
}

std::optional<Subprotocols> offered_subprotocols(const http::RequestHead& request) {
  Subprotocols offered;
  for (const std::string_view line : request.headers.find_all("Sec-WebSocket-Protocol")) {
    if (!add_offered_subprotocols(line, offered)) return std::nullopt;
  }
  return offered;
}

std::string accept_key(std::string_view key) {
  std::string text(key);
  text.append(kAcceptSuffix);
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest;
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  std::array<unsigned char, 4 * ((SHA_DIGEST_LENGTH + 2) / 3) + 1> base64;  // with the final NUL
  const int size = EVP_EncodeBlock(base64.data(), digest.data(), SHA_DIGEST_LENGTH);
  return {reinterpret_cast<const char*>(base64.data()), static_cast<std::size_t>(size)};
}

}  // namespace sockhook::websocket
