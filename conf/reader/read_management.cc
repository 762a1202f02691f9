// management, signing

#include <algorithm>

#include "conf/reader/read_values.h"
#include "conf/reader/sections.h"
#include "protocol/webhook/signature.h"

namespace sockhook::conf {
namespace {

void read_access(Section& section, const std::vector<Endpoint>& endpoints, Access* access) {
  const std::vector<std::string> kOperations = {"send", "read", "manage"};
  const Cursor operations = section["operations"];
  const std::vector<Cursor> items = operations.items("a list of send, read, manage");
  if (operations.is_list()) {
    *access = {false, false, false, {}};
    if (items.empty()) operations.mistake("allows nothing", "a list of send, read, manage");
  }
  for (const Cursor& item : items) {
    if (!item.require(join(kOperations))) continue;
    const std::optional<std::size_t> index = read_word(item, kOperations);
    if (!index) continue;
    bool* const flags[] = {&access->send, &access->read, &access->manage};
    *flags[*index] = true;
  }

  std::vector<std::string> names(endpoints.size());
  std::transform(endpoints.begin(), endpoints.end(), names.begin(),
                 [](const Endpoint& endpoint) { return endpoint.name; });
  const std::string allowed =
      names.empty() ? "the names of endpoints, of which there are none" : join(names);
  for (const Cursor& item : section["endpoints"].items("a list of endpoints' names")) {
    if (!item.require(allowed)) continue;
    const std::optional<std::string> name = item.text(allowed);
    if (!name) continue;
    if (std::find(names.begin(), names.end(), *name) == names.end()) {
      item.mistake("there is no endpoint " + quote(*name) + suggest(*name, names), allowed);
    }
    access->endpoints.push_back(*name);
  }
}

void read_tokens(const Cursor& cursor, const std::vector<Endpoint>& endpoints,
                 std::vector<Token>* tokens) {
  constexpr std::string_view kAllowed = "a secret, or a map of token, operations and endpoints";
  for (const Cursor& item : cursor.items("a list of tokens")) {
    if (!item.require(kAllowed)) continue;
    Token token;
    if (item.is_text()) {
      read_bearer_token(item, &token.token);
    } else {
      Section section(item, kAllowed);
      const Cursor text = section["token"];
      if (item.is_map()) text.require("a secret");
      read_bearer_token(text, &token.token);
      read_access(section, endpoints, &token.access);
    }
    const auto is_same = [&](const Token& other) { return other.token == token.token; };
    if (!token.token.empty() && std::any_of(tokens->begin(), tokens->end(), is_same)) {
      item.mistake("is the same token as an earlier one", "each token once");
    }
    // A broken one is kept, so that management.auth counts as configured.
    tokens->push_back(std::move(token));
  }
}

void read_sigv4(const Cursor& cursor, const std::vector<Endpoint>& endpoints,
                std::vector<SigV4Key>* keys) {
  constexpr std::string_view kAllowed =
      "a map of access_key_id, secret_access_key, operations and endpoints";
  for (const Cursor& item : cursor.items("a list of keys")) {
    if (!item.require(kAllowed)) continue;
    Section section(item, kAllowed);
    SigV4Key key;
    const Cursor id = section["access_key_id"];
    const Cursor secret = section["secret_access_key"];
    if (item.is_map()) {
      id.require("a text of letters and digits");
      secret.require("a secret");
    }
    read_name(id, &key.access_key_id);
    read_secret(secret, &key.secret_access_key);
    read_access(section, endpoints, &key.access);
    keys->push_back(std::move(key));
  }
}

}  // namespace

void read_management(const Cursor& cursor, Config* config) {
  Section section(cursor);
  const Cursor auth = section["auth"];
  Section auth_section(auth);
  Management& management = config->management;
  read_tokens(auth_section["tokens"], config->endpoints, &management.tokens);
  read_sigv4(auth_section["sigv4"], config->endpoints, &management.sigv4);
  const Cursor certificates = auth_section["client_certificates"];
  read_bool(certificates, &management.client_certificates);

  const ManagementListener& listener = config->listen.management;
  if (management.client_certificates && !(listener.tls && listener.tls->client_ca)) {
    certificates.mistake("needs listen.management.tls.client_ca, which is not set",
                         "true beside a client_ca");
  }
}

void read_signing(const Cursor& cursor, Signing* signing) {
  constexpr std::string_view kAllowed = "whsec_ and base64 of 24 to 64 bytes";
  Section section(cursor);
  for (const Cursor& item : section["secrets"].items("a list of secrets")) {
    std::string secret;
    if (!item.require(kAllowed) || !read_secret(item, &secret)) continue;
    const std::optional<std::string> key = webhook::decode_signing_secret(secret);
    if (!key) {
      item.mistake("is no signing secret", kAllowed);
    } else if (key->size() < 24 || key->size() > 64) {
      item.mistake("has a key of " + std::to_string(key->size()) + " bytes", kAllowed);
    } else {
      signing->secrets.push_back(secret);
    }
  }
}

}  // namespace sockhook::conf
