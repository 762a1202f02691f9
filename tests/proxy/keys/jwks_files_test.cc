#include "proxy/keys/jwks_files.h"

#include <gtest/gtest.h>

#include "tests/proxy/keys/keys_fixture.h"
#include "tests/support/loop_runner.h"

namespace sockhook::keys {
namespace {

constexpr uint64_t kIntervalMs = 20;

class JwksFilesTest : public ::testing::Test {
 protected:
  JwksFilesTest() {
    file.write(jwks({"a"}));
    conf::Config config;
    config.endpoints.emplace_back().jwt.emplace_back().jwks_file = file.path();
    table = *IssuerTable::load(config);
    files = std::make_unique<JwksFiles>(runner.loop(), table.files, &listener, kIntervalMs);
  }

  const IssuerKeys& keys() const { return *table.files[0].keys; }
  observe::KeyFacts facts() const {
    std::vector<observe::KeyFacts> facts;
    files->add_facts(facts);
    return facts.at(0);
  }

  testing::LoopRunner runner;
  KeyFileOfTest file;
  IssuerTable table;
  CountingListener listener;
  std::unique_ptr<JwksFiles> files;
};

TEST_F(JwksFilesTest, AFileThatChangesIsReadAgain) {
  file.write(jwks({"b", "c"}));
  ASSERT_TRUE(runner.run_until([&] { return has(keys(), "b"); }));
  EXPECT_FALSE(has(keys(), "a"));
  EXPECT_EQ(listener.last, &keys());
  EXPECT_EQ(facts().keys, 2U);
  EXPECT_EQ(facts().good_reads, 1U);
}

TEST_F(JwksFilesTest, AFileThatCannotBeUsedLeavesTheLastGoodSet) {
  file.write("rubbish");
  ASSERT_TRUE(runner.run_until([&] { return listener.refreshes == 1; }));
  EXPECT_TRUE(has(keys(), "a"));
  EXPECT_EQ(facts().failed_reads, 1U);
  std::filesystem::remove(file.path());
  ASSERT_TRUE(runner.run_until([&] { return listener.refreshes == 2; }));
  EXPECT_TRUE(has(keys(), "a"));
  file.write(jwks({"b"}));
  ASSERT_TRUE(runner.run_until([&] { return has(keys(), "b"); }));
}

TEST_F(JwksFilesTest, WhoAsksNeedNotWaitForAnybodyToNotice) {
  file.write(jwks({"b"}));
  files->refresh(keys());
  EXPECT_TRUE(has(keys(), "b"));
  EXPECT_EQ(listener.refreshes, 1);
  const IssuerKeys others;
  files->refresh(others);
  EXPECT_EQ(listener.refreshes, 1);
}

}  // namespace
}  // namespace sockhook::keys
