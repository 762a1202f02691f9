// What the tests of keys share: JWK Sets, a file of the test's own, a listener that counts.

#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <string>

#include "proxy/keys/key_source.h"

namespace sockhook::keys {

// A set of secrets with these ids.
inline std::string jwks(std::initializer_list<const char*> ids) {
  std::string keys;
  for (const char* id : ids) {
    if (!keys.empty()) keys += ',';
    keys += std::string(R"({"kty":"oct","k":"c2VjcmV0","kid":")") + id + "\"}";
  }
  return "{\"keys\":[" + keys + "]}";
}

inline bool has(const IssuerKeys& keys, const char* id) {
  const IssuerKeys::Set set = keys.current();
  return set != nullptr && set->has(id);
}

class KeyFileOfTest {
 public:
  KeyFileOfTest() : directory_(::testing::TempDir() + "/sockhook-keys-XXXXXX") {
    SOCKHOOK_CHECK(::mkdtemp(directory_.data()) != nullptr);
  }
  ~KeyFileOfTest() { std::filesystem::remove_all(directory_); }
  KeyFileOfTest(const KeyFileOfTest&) = delete;
  KeyFileOfTest& operator=(const KeyFileOfTest&) = delete;

  std::string path() const { return directory_ + "/jwks.json"; }
  const std::string& directory() const { return directory_; }
  // In one step, as whoever cares for readers does it.
  void write(const std::string& text) const {
    std::ofstream(path() + ".new") << text;
    std::filesystem::rename(path() + ".new", path());
  }

 private:
  std::string directory_;
};

struct CountingListener : KeyListener {
  void on_keys_refreshed(const IssuerKeys& keys) override {
    ++refreshes;
    last = &keys;
  }

  int refreshes = 0;
  const IssuerKeys* last = nullptr;
};

}  // namespace sockhook::keys
