// IssuerTable: the keys of all `jwt` entries of a Config, and where they come from.
//
// Entries with the same jwks_file or jwks_url share their keys: these are read once. A file is read
// here, and one that cannot be used is a mistake of the Config; what stands behind a URL is fetched
// by the KeyRefresher, once the node serves.
//
// Made once per Config; owned by the Node. Any thread, but load() blocks while it reads.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "conf/config.h"
#include "protocol/base/result.h"
#include "proxy/keys/issuer_keys.h"
#include "proxy/net/file_watch.h"
#include "proxy/net/tls_context.h"

namespace sockhook::keys {

// A jwks_file, and what it was when it was read.
struct KeyFile {
  net::FilePrint print;
  IssuerKeysPtr keys;
};

// A jwks_url.
struct KeyUrl {
  conf::HttpUrl url;
  net::TlsContextPtr tls;  // null: http
  IssuerKeysPtr keys;
};

struct IssuerTable {
  // The error names the key: "endpoints[0].auth.jwt.jwks_file: FILE ...".
  static Result<IssuerTable, std::string> load(const conf::Config& config);

  // As Config::endpoints, and in each as its `jwt`.
  std::vector<std::vector<IssuerKeysPtr>> endpoints;
  std::vector<KeyFile> files;
  std::vector<KeyUrl> urls;
};

}  // namespace sockhook::keys
