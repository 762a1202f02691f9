#include "proxy/keys/issuer_table.h"

#include <algorithm>
#include <utility>

#include "protocol/base/check.h"
#include "proxy/keys/key_file_text.h"

namespace sockhook::keys {
namespace {

using Loaded = Result<IssuerKeysPtr, std::string>;

Loaded configured(const std::vector<std::string>& texts) {
  std::vector<auth::VerificationKey> keys;
  for (const std::string& text : texts) {
    auto key = auth::VerificationKey::from_text(text);
    SOCKHOOK_CHECK(key.has_value());  // the config reader takes no others
    keys.push_back(std::move(*key));
  }
  return std::make_shared<IssuerKeys>(auth::KeySet(std::move(keys)));
}

Loaded from_file(const std::string& path, std::vector<KeyFile>& files) {
  const auto known = std::find_if(files.begin(), files.end(),
                                  [&](const KeyFile& file) { return file.print.path == path; });
  if (known != files.end()) return known->keys;
  // Before the file is read, so that a change in between is seen later.
  KeyFile file{net::FilePrint::of(path), std::make_shared<IssuerKeys>()};
  const auto text = read_key_file(path);
  if (!text) return Failure{path + " " + text.error()};
  auto set = auth::KeySet::from_jwks(*text);
  if (!set) return Failure{path + " " + set.error()};
  file.keys->end(std::make_shared<const auth::KeySet>(std::move(*set)));
  return files.emplace_back(std::move(file)).keys;
}

Loaded from_url(const conf::HttpUrl& url, std::vector<KeyUrl>& urls) {
  const auto known =
      std::find_if(urls.begin(), urls.end(), [&](const KeyUrl& other) { return other.url == url; });
  if (known != urls.end()) return known->keys;
  KeyUrl target{url, nullptr, std::make_shared<IssuerKeys>()};
  if (url.https) {
    auto tls = net::TlsContext::client({}, net::TlsContext::Alpn::kHttp11);
    if (!tls) return Failure{tls.error()};
    target.tls = std::move(*tls);
  }
  return urls.emplace_back(std::move(target)).keys;
}

std::string path_of(std::size_t endpoint, const std::vector<conf::Jwt>& entries, std::size_t i) {
  std::string path = "endpoints[" + std::to_string(endpoint) + "].auth.jwt";
  if (entries.size() > 1) path += "[" + std::to_string(i) + "]";
  return path;
}

}  // namespace

Result<IssuerTable, std::string> IssuerTable::load(const conf::Config& config) {
  IssuerTable table;
  for (std::size_t e = 0; e < config.endpoints.size(); ++e) {
    const std::vector<conf::Jwt>& entries = config.endpoints[e].jwt;
    std::vector<IssuerKeysPtr>& issuers = table.endpoints.emplace_back();
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const conf::Jwt& jwt = entries[i];
      Loaded keys = jwt.jwks_file  ? from_file(*jwt.jwks_file, table.files)
                    : jwt.jwks_url ? from_url(*jwt.jwks_url, table.urls)
                                   : configured(jwt.keys);
      if (!keys) {
        const char* key = jwt.jwks_file ? ".jwks_file: " : ".jwks_url: ";
        return Failure{path_of(e, entries, i) + key + keys.error()};
      }
      issuers.push_back(std::move(*keys));
    }
  }
  return table;
}

}  // namespace sockhook::keys
