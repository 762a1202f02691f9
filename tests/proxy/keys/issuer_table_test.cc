#include "proxy/keys/issuer_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/proxy/keys/keys_fixture.h"

namespace sockhook::keys {
namespace {

conf::Jwt configured(const std::string& key) {
  conf::Jwt jwt;
  jwt.keys = {key};
  return jwt;
}
conf::Jwt in_file(const std::string& path) {
  conf::Jwt jwt;
  jwt.jwks_file = path;
  return jwt;
}
conf::Jwt behind(const std::string& host, bool https = false) {
  conf::Jwt jwt;
  jwt.jwks_url = conf::HttpUrl{https, {host, 80}, host, "/jwks"};
  return jwt;
}
conf::Config config_of(std::vector<std::vector<conf::Jwt>> endpoints) {
  conf::Config config;
  for (auto& entries : endpoints) config.endpoints.emplace_back().jwt = std::move(entries);
  return config;
}

TEST(IssuerTableTest, HasTheKeysOfEachEntryInOrder) {
  const KeyFileOfTest file;
  file.write(jwks({"a", "b"}));
  const auto table = IssuerTable::load(
      config_of({{}, {configured("secret"), in_file(file.path()), behind("issuer", true)}}));
  ASSERT_TRUE(table) << table.error();
  ASSERT_EQ(table->endpoints.size(), 2U);
  EXPECT_TRUE(table->endpoints[0].empty());
  const auto& issuers = table->endpoints[1];
  ASSERT_EQ(issuers.size(), 3U);
  EXPECT_EQ(issuers[0]->current()->keys().size(), 1U);
  EXPECT_TRUE(has(*issuers[1], "b"));
  EXPECT_EQ(issuers[2]->current(), nullptr);
  ASSERT_EQ(table->files.size(), 1U);
  EXPECT_EQ(table->files[0].keys, issuers[1]);
  ASSERT_EQ(table->urls.size(), 1U);
  EXPECT_EQ(table->urls[0].keys, issuers[2]);
  EXPECT_NE(table->urls[0].tls, nullptr);
}

TEST(IssuerTableTest, SharesWhatComesFromTheSamePlace) {
  const KeyFileOfTest file;
  file.write(jwks({"a"}));
  const auto table = IssuerTable::load(config_of({{in_file(file.path()), behind("one")},
                                                  {behind("two")},
                                                  {behind("one"), in_file(file.path())}}));
  ASSERT_TRUE(table) << table.error();
  EXPECT_EQ(table->files.size(), 1U);
  EXPECT_EQ(table->urls.size(), 2U);
  EXPECT_EQ(table->endpoints[0][0], table->endpoints[2][1]);
  EXPECT_EQ(table->endpoints[0][1], table->endpoints[2][0]);
  EXPECT_NE(table->endpoints[0][1], table->endpoints[1][0]);
}

TEST(IssuerTableTest, AFileThatCannotBeUsedIsAMistake) {
  const KeyFileOfTest file;
  const auto error_of = [&](const std::string& path) {
    const auto table = IssuerTable::load(config_of({{configured("k"), in_file(path)}}));
    return table ? "none" : table.error();
  };
  const std::string key = "endpoints[0].auth.jwt[1].jwks_file: ";
  EXPECT_EQ(error_of(file.path()),
            key + file.path() + " cannot be read: No such file or directory");
  EXPECT_EQ(error_of(file.directory()), key + file.directory() + " is no file");
  file.write("rubbish");
  EXPECT_EQ(error_of(file.path()), key + file.path() + " is no JWK Set: {\"keys\": [...]}");
  file.write(R"({"keys":[{"kty":"mystery"}]})");
  EXPECT_EQ(error_of(file.path()), key + file.path() + " has no key that can be used");
  file.write(std::string(auth::KeySet::kMaxJwksBytes + 1, ' '));
  EXPECT_EQ(error_of(file.path()), key + file.path() + " is over 256 KiB");
  const std::string pipe = file.directory() + "/pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(error_of(pipe), key + pipe + " is no file");
}

}  // namespace
}  // namespace sockhook::keys
