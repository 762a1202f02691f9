// Whatever is in a file, the reader ends, and each mistake has a place and fits into one line.

#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <random>
#include <sstream>

#include "tests/conf/reading.h"

namespace sockhook::conf {
namespace {

constexpr int kMutants = 2000;

// One small change of the kind that people, editors and templates make.
void mutate(std::string& text, std::mt19937& random) {
  static constexpr std::array<std::string_view, 26> kBits = {
      "&a ",  "*a", "<<: ", "!!x ",  "{",   "}",    "[",       "]",  ": ",
      "- ",   "\n", "\"",   "'",     "#",   "|\n",  "? ",      ", ", "~",
      "${A}", "\t", "null", "---\n", "017", "\xC3", "${B:-x}", "-1"};
  const std::size_t at = random() % text.size();
  switch (random() % 4) {
    case 0:
      text.erase(at, 1 + random() % 8);
      break;
    case 1:
      text.insert(at, kBits[random() % kBits.size()]);
      break;
    case 2:
      text[at] = static_cast<char>(random() % 128);
      break;
    default:
      text.insert(at, text.substr(random() % text.size(), random() % 40));
  }
}

TEST(Mutations, OfTheExampleAreReadOrRefusedInFull) {
  std::ifstream file(SOCKHOOK_SOURCE_DIR "/conf/example.yaml");
  std::ostringstream example;
  example << file.rdbuf();
  std::mt19937 random(1);  // the same mutants each time
  for (int i = 0; i < kMutants; ++i) {
    std::string text = example.str();
    if (random() % 2 == 0) text.resize(1 + random() % text.size());
    for (std::size_t changes = 1 + random() % 6; changes > 0 && !text.empty(); --changes) {
      mutate(text, random);
    }
    const auto config = read_config(text, "f", environment_of({}), kOnlyText);
    if (config) continue;
    ASSERT_FALSE(config.error().empty()) << text;
    for (const Mistake& mistake : config.error()) {
      ASSERT_GE(mistake.at.line, 1) << text;
      ASSERT_GE(mistake.at.column, 1) << text;
      ASSERT_FALSE(mistake.what.empty()) << text;
      ASSERT_EQ(mistake.to_string().find('\n'), std::string::npos) << mistake.to_string();
    }
  }
}

}  // namespace
}  // namespace sockhook::conf
