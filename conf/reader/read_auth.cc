// endpoints[].auth

#include <algorithm>
#include <utility>

#include "conf/reader/addresses.h"
#include "conf/reader/read_values.h"
#include "conf/reader/sections.h"
#include "protocol/auth/verification_key.h"

namespace sockhook::conf {
namespace {

const std::vector<std::string>& known_algorithms() {
  static const std::vector<std::string> kAlgorithms = {"HS256", "HS384", "HS512", "RS256",
                                                       "RS384", "RS512", "PS256", "PS384",
                                                       "PS512", "ES256", "ES384", "EdDSA"};
  return kAlgorithms;
}

// A text, or a list of texts.
void read_one_or_more(const Cursor& cursor, std::vector<std::string>* target) {
  constexpr std::string_view kAllowed = "a text, or a list of texts";
  std::string text;
  if (!cursor.is_list()) {
    if (read_text(cursor, &text, kAllowed)) target->push_back(text);
    return;
  }
  for (const Cursor& item : cursor.items(kAllowed)) {
    if (item.require("a text") && read_text(item, &text, "a text")) target->push_back(text);
  }
}

// A key that can be read, and where it stands.
struct ReadKey {
  Cursor cursor;
  auth::VerificationKey key;
};

// Keys are never shown, and a PEM has many lines.
std::vector<ReadKey> read_keys(const Cursor& cursor, std::vector<std::string>* target) {
  constexpr std::string_view kAllowed = "a list of PEM texts or secrets";
  std::vector<ReadKey> read;
  const auto read_key = [&](const Cursor& item) {
    const std::optional<std::string> text = item.text(kAllowed);
    if (!item.require(kAllowed) || !text) return;
    if (text->empty()) {
      item.mistake("is empty", kAllowed);
      return;
    }
    target->push_back(*text);
    auto key = auth::VerificationKey::from_text(*text);
    if (key) {
      read.push_back({item, std::move(*key)});
    } else {
      item.mistake(key.error(), kAllowed);
    }
  };
  if (cursor.is_text()) {
    read_key(cursor);
    return read;
  }
  for (const Cursor& item : cursor.items(kAllowed)) read_key(item);
  return read;
}

// A key that no allowed algorithm takes would verify nothing.
void check_fit(const std::vector<ReadKey>& keys, const std::vector<std::string>& algorithms) {
  if (algorithms.empty()) return;  // which is a mistake by itself
  for (const ReadKey& read : keys) {
    const bool is_usable =
        std::any_of(algorithms.begin(), algorithms.end(), [&](const std::string& name) {
          const std::optional<auth::Algorithm> algorithm = auth::parse_algorithm(name);
          return algorithm && read.key.fits(*algorithm);
        });
    if (!is_usable) read.cursor.mistake("is a key that none of the algorithms takes");
  }
}

void read_algorithms(const Cursor& cursor, std::vector<std::string>* target) {
  for (const Cursor& item : cursor.items("a list of " + join(known_algorithms()))) {
    if (!item.require(join(known_algorithms()))) continue;
    const std::optional<std::size_t> index = read_word(item, known_algorithms());
    if (index) target->push_back(known_algorithms()[*index]);
  }
}

void read_sources(const Cursor& cursor, std::vector<Jwt::Source>* target) {
  using Kind = Jwt::Source::Kind;
  constexpr std::string_view kAllowed = "header, query:NAME, cookie:NAME, protocol";
  if (!cursor.is_given()) return;
  std::vector<Jwt::Source> sources;
  for (const Cursor& item : cursor.items("a list of " + std::string(kAllowed))) {
    const std::optional<std::string> text = item.text(kAllowed);
    if (!item.require(kAllowed) || !text) continue;
    const std::string kind = text->substr(0, text->find(':'));
    const std::string name = kind.size() < text->size() ? text->substr(kind.size() + 1) : "";
    if (*text == "header") {
      sources.push_back({Kind::kHeader, {}});
    } else if (*text == "protocol") {
      sources.push_back({Kind::kProtocol, {}});
    } else if (kind == "query" && is_token(name)) {
      sources.push_back({Kind::kQuery, name});
    } else if (kind == "cookie" && is_token(name)) {
      sources.push_back({Kind::kCookie, name});
    } else {
      item.mistake(quote(*text) + " is no place for a token", kAllowed);
    }
  }
  *target = std::move(sources);
}

void read_http_url(const Cursor& cursor, std::optional<HttpUrl>* target) {
  std::string text;
  if (!read_text(cursor, &text, kHttpUrlAllowed)) return;
  Scalar<HttpUrl> url = parse_http_url(text);
  if (url) {
    *target = std::move(*url);
  } else {
    cursor.mistake(url.error(), kHttpUrlAllowed);
  }
}

void read_jwt(const Cursor& cursor, std::vector<Jwt>* target) {
  Section section(cursor, "a map of keys, algorithms and so on, or a list of such maps");
  Jwt jwt;
  const Cursor keys = section["keys"];
  const Cursor jwks_file = section["jwks_file"];
  const Cursor jwks_url = section["jwks_url"];
  const std::vector<ReadKey> read = read_keys(keys, &jwt.keys);
  read_file_name(jwks_file, &jwt.jwks_file);
  read_http_url(jwks_url, &jwt.jwks_url);
  const int sources = int{keys.is_given()} + int{jwks_file.is_given()} + int{jwks_url.is_given()};
  if (cursor.is_map() && sources != 1) {
    cursor.mistake(sources == 0 ? "has no keys" : "has keys from several places",
                   "one of keys, jwks_file and jwks_url");
  }
  const Cursor algorithms = section["algorithms"];
  if (cursor.is_map()) algorithms.require("a list of " + join(known_algorithms()));
  read_algorithms(algorithms, &jwt.algorithms);
  if (algorithms.is_list() && jwt.algorithms.empty()) {
    algorithms.mistake("allows nothing", "a list of " + join(known_algorithms()));
  }
  check_fit(read, jwt.algorithms);
  read_one_or_more(section["issuer"], &jwt.issuers);
  read_one_or_more(section["audience"], &jwt.audiences);
  read_duration(section["leeway"], &jwt.leeway, {Duration{0}, kHour});
  read_sources(section["from"], &jwt.from);
  read_text(section["user_claim"], &jwt.user_claim, "the name of a claim");
  read_text(section["groups_claim"], &jwt.groups_claim, "the name of a claim");
  read_choice(section["on_expiry"], &jwt.close_on_expiry, {{"ignore", false}, {"close", true}});
  target->push_back(std::move(jwt));
}

}  // namespace

void read_auth(const Cursor& cursor, std::vector<Jwt>* jwt) {
  Section section(cursor, "a map with jwt");
  const Cursor value = section["jwt"];
  if (!value.is_given()) return;
  if (!value.is_list()) {
    read_jwt(value, jwt);
    return;
  }
  for (const Cursor& item : value.items("a list of maps")) {
    if (item.require("a map of keys, algorithms and so on")) read_jwt(item, jwt);
  }
}

}  // namespace sockhook::conf
