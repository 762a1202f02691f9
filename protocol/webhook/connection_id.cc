#include "protocol/webhook/connection_id.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "protocol/webhook/base64.h"

namespace sockhook::webhook {

namespace {

constexpr std::size_t kPlaceBytes = 5;
constexpr std::size_t kRandomAt = sizeof(NodeKey::bytes) + kPlaceBytes;
constexpr std::size_t kBytes = kRandomAt + ConnectionId::kRandomBytes;
static_assert((kBytes * 8 + 5) / 6 == ConnectionId::kLength);

bool is_id_character(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

// SipHash-2-4 (Aumasson and Bernstein) of exactly 12 bytes: a keyed function whose output tells
// nothing about the key, for a few nanoseconds.
class SipHash {
 public:
  explicit SipHash(const std::array<std::uint64_t, 2>& key)
      : v0_(key[0] ^ 0x736f6d6570736575),
        v1_(key[1] ^ 0x646f72616e646f6d),
        v2_(key[0] ^ 0x6c7967656e657261),
        v3_(key[1] ^ 0x7465646279746573) {}

  std::uint64_t of(const ConnectionId::Random& message) {
    std::uint64_t first = 0;
    std::uint32_t rest = 0;
    std::memcpy(&first, message.data(), sizeof first);
    std::memcpy(&rest, message.data() + sizeof first, sizeof rest);
    compress(first);
    compress(rest | static_cast<std::uint64_t>(message.size()) << 56U);
    v2_ ^= 0xFF;
    for (int round = 0; round < 4; ++round) mix();
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }

 private:
  void compress(std::uint64_t word) {
    v3_ ^= word;
    mix();
    mix();
    v0_ ^= word;
  }

  void mix() {
    v0_ += v1_;
    v2_ += v3_;
    v1_ = std::rotl(v1_, 13) ^ v0_;
    v3_ = std::rotl(v3_, 16) ^ v2_;
    v0_ = std::rotl(v0_, 32);
    v2_ += v1_;
    v0_ += v3_;
    v1_ = std::rotl(v1_, 17) ^ v2_;
    v3_ = std::rotl(v3_, 21) ^ v0_;
    v2_ = std::rotl(v2_, 32);
  }

  std::uint64_t v0_, v1_, v2_, v3_;
};

std::array<std::uint8_t, kBytes> bytes_of(std::string_view id) {
  std::array<std::uint8_t, kBytes> bytes{};
  const auto decoded = decode_base64url(id);  // an id is always valid
  if (decoded) std::copy_n(decoded->begin(), kBytes, bytes.begin());
  return bytes;
}

}  // namespace

Result<ConnectionId, ConnectionIdError> ConnectionId::parse(std::string_view text) {
  if (text.empty() || text.size() > kMaxForeignLength ||
      !std::all_of(text.begin(), text.end(), is_id_character)) {
    return Failure{ConnectionIdError::kMalformed};
  }
  // The last character carries 4 bits: others of its bits would make a second name for one id.
  if (text.size() != kLength || !decode_base64url(text)) {
    return Failure{ConnectionIdError::kForeign};
  }
  ConnectionId id;
  std::copy_n(text.begin(), kLength, id.chars_.begin());
  return id;
}

NodeKey ConnectionId::node_key() const {
  const auto bytes = bytes_of(view());
  NodeKey key;
  std::copy_n(bytes.begin(), key.bytes.size(), key.bytes.begin());
  return key;
}

ConnectionId::Random ConnectionId::random() const {
  const auto bytes = bytes_of(view());
  Random random;
  std::copy_n(bytes.begin() + kRandomAt, random.size(), random.begin());
  return random;
}

IdScheme::IdScheme(const NodeKey& node_key, const Secret& secret) : node_key_(node_key) {
  static_assert(sizeof secret_ == sizeof(Secret));
  std::memcpy(secret_.data(), secret.data(), secret.size());
}

std::uint64_t IdScheme::mask(const ConnectionId::Random& random) const {
  return SipHash(secret_).of(random);
}

ConnectionId IdScheme::make(ConnectionPlace place, const ConnectionId::Random& random) const {
  std::array<std::uint8_t, kBytes> bytes{};
  std::copy(node_key_.bytes.begin(), node_key_.bytes.end(), bytes.begin());
  const std::uint64_t masked =
      (static_cast<std::uint64_t>(place.worker) << 32U | place.slot) ^ mask(random);
  for (std::size_t i = 0; i < kPlaceBytes; ++i) {
    bytes[node_key_.bytes.size() + i] = static_cast<std::uint8_t>(masked >> (8 * i));
  }
  std::copy(random.begin(), random.end(), bytes.begin() + kRandomAt);
  ConnectionId id;
  encode_base64url(bytes.data(), bytes.size(), id.chars_.data());
  return id;
}

std::optional<ConnectionPlace> IdScheme::locate(const ConnectionId& id) const {
  const auto bytes = bytes_of(id.view());
  if (!std::equal(node_key_.bytes.begin(), node_key_.bytes.end(), bytes.begin())) {
    return std::nullopt;
  }
  ConnectionId::Random random;
  std::copy_n(bytes.begin() + kRandomAt, random.size(), random.begin());
  std::uint64_t masked = 0;
  for (std::size_t i = 0; i < kPlaceBytes; ++i) {
    masked |= static_cast<std::uint64_t>(bytes[node_key_.bytes.size() + i]) << (8 * i);
  }
  const std::uint64_t place = masked ^ mask(random);
  return ConnectionPlace{static_cast<std::uint8_t>(place >> 32U),
                         static_cast<std::uint32_t>(place)};
}

}  // namespace sockhook::webhook
