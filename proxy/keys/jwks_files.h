// JwksFiles: keeps the keys in jwks_files fresh: read again when one has changed, and at once when
// somebody asks (IssuerKeys limits that).
//
// Owner: the KeyRefresher, which destroys it while the loop runs. Thread: the control's, which
// stands still while a file is read.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "proxy/keys/issuer_table.h"
#include "proxy/keys/key_source.h"
#include "proxy/net/file_watch.h"

namespace sockhook::keys {

class JwksFiles final : private net::FileWatchListener {
 public:
  JwksFiles(net::Loop& loop, const std::vector<KeyFile>& files, KeyListener* listener,
            uint64_t interval_ms = net::FileWatch::kIntervalMs);
  JwksFiles(const JwksFiles&) = delete;
  JwksFiles& operator=(const JwksFiles&) = delete;

  // Nothing happens if these keys come from elsewhere.
  void refresh(const IssuerKeys& keys);

  void add_facts(std::vector<observe::KeyFacts>& facts) const;

 private:
  struct File {
    std::string path;
    std::unique_ptr<KeySource> source;
  };

  static void read(File& file);
  // Of any of them: small files, and rarely.
  void on_files_changed() override;

  std::vector<File> files_;
  net::FileWatch watch_;
};

}  // namespace sockhook::keys
