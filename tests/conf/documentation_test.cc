// docs/configuration.md has one row for every key, and none for a key that does not exist.

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <regex>

#include "conf/config_reader.h"

namespace sockhook::conf {
namespace {

TEST(Documentation, ListsExactlyTheKeysThatTheReaderKnows) {
  static const std::regex row(R"(\| `([^`]+)`( ⧗)? \|.*)");
  std::ifstream file(SOCKHOOK_SOURCE_DIR "/docs/configuration.md");
  std::vector<std::string> documented;
  for (std::string line; std::getline(file, line);) {
    std::smatch match;
    if (std::regex_match(line, match, row)) documented.push_back(match[1]);
  }
  std::vector<std::string> known = known_keys();
  std::sort(documented.begin(), documented.end());
  std::sort(known.begin(), known.end());
  for (const std::string& key : known) {
    EXPECT_EQ(std::count(documented.begin(), documented.end(), key), 1) << key;
  }
  for (const std::string& key : documented) {
    EXPECT_TRUE(std::binary_search(known.begin(), known.end(), key)) << key;
  }
}

}  // namespace
}  // namespace sockhook::conf
