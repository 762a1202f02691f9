// conf/example.yaml is the manual: it names every key, loads, and shows the built-in defaults.

#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "conf/config_reader.h"
#include "conf/reader/yaml_tree.h"
#include "tests/conf/reading.h"

namespace sockhook::conf {
namespace {

std::string read_example() {
  std::ifstream file(SOCKHOOK_SOURCE_DIR "/conf/example.yaml");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The example with every "#" in front of a key taken away, and every "# or VALUE" in its place.
std::string read_alternatives() {
  static const std::regex commented_key("#( {2,}|)([A-Za-z-].*)");
  static const std::regex alternative("(.*?: ).* # or (.*)");
  std::istringstream lines(read_example());
  std::string text;
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (std::regex_match(line, match, commented_key)) line = line.substr(1);
    if (std::regex_match(line, match, alternative)) line = match[1].str() + match[2].str();
    text += line + "\n";
  }
  return text;
}

TEST(Example, LoadsAsItIs) {
  const auto config =
      read_config_file(SOCKHOOK_SOURCE_DIR "/conf/example.yaml", environment_of({}));
  if (!config) {
    for (const Mistake& mistake : config.error()) ADD_FAILURE() << mistake.to_string();
  }
}

TEST(Example, ShowsTheDefaults) {
  const Config config = config_of(read_example());
  Config expected;
  expected.backends.emplace_back();
  expected.backends[0].name = "app";
  expected.backends[0].urls = config.backends[0].urls;
  Endpoint chat;
  chat.name = "chat";
  chat.path = {"/chat", false};
  chat.select = "$request.body.action";
  const auto route = [](const char* key, const char* path) {
    Route made;
    made.key = key;
    made.path = path;
    return made;
  };
  chat.routes.connect = route("$connect", "/hooks/connect");
  chat.routes.disconnect = route("$disconnect", "/hooks/disconnect");
  chat.routes.fallback = route("$default", "/hooks/message");
  chat.routes.by_key.emplace("sendMessage", route("sendMessage", "/hooks/send"));
  expected.endpoints.push_back(chat);
  EXPECT_EQ(config, expected);
}

TEST(Example, ShowsOtherFormsThatAreAllowed) {
  EXPECT_EQ(mistakes_of(read_alternatives()), std::vector<std::string>{});
}

// The keys of a file in the form of known_keys().
void collect_keys(const yaml::TreeNode& node, const std::string& path,
                  std::set<std::string>* keys) {
  for (const yaml::TreeNode& item : node.items) {
    // An issuer in a list has the keys of a single one.
    collect_keys(item, path.ends_with(".jwt") ? path : path + "[]", keys);
  }
  for (const yaml::Entry& entry : node.entries) {
    const bool is_backend = path == "backends";
    const bool is_route = path == "endpoints[].routes";
    std::string child = path.empty() ? entry.key.text : path + "." + entry.key.text;
    if (is_backend) child = path + ".NAME";
    if (is_route) child = path + ".KEY";
    if (!is_backend && !is_route) keys->insert(child);
    collect_keys(entry.value, child, keys);
  }
}

TEST(Example, NamesEveryKey) {
  const yaml::Tree tree = yaml::parse(read_alternatives());
  ASSERT_TRUE(tree.problems.empty());
  std::set<std::string> keys;
  collect_keys(tree.root, "", &keys);
  for (const std::string& key : known_keys()) EXPECT_TRUE(keys.count(key) == 1) << key;
}

}  // namespace
}  // namespace sockhook::conf
