// Short ways to read a config in tests.

#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "conf/config_reader.h"

namespace sockhook::conf {

using Variables = std::map<std::string, std::string>;

inline Environment environment_of(Variables variables) {
  return [variables = std::move(variables)](const std::string& name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional<std::string>(found->second);
  };
}

// Everything that can be written, whether this version serves it or not.
inline constexpr ReadOptions kOnlyText{.check_files = false, .check_served = false};

// The mistakes as people see them; the file is called "f".
inline std::vector<std::string> mistakes_of(std::string_view yaml, const Variables& variables = {},
                                            const ReadOptions& options = kOnlyText) {
  const auto config = read_config(yaml, "f", environment_of(variables), options);
  std::vector<std::string> lines;
  if (config) return lines;
  for (const Mistake& mistake : config.error()) lines.push_back(mistake.to_string());
  return lines;
}

// The Config of a text that must be fine.
inline Config config_of(std::string_view yaml, const Variables& variables = {}) {
  for (const std::string& mistake : mistakes_of(yaml, variables)) ADD_FAILURE() << mistake;
  auto config = read_config(yaml, "f", environment_of(variables), kOnlyText);
  return config ? *config : Config{};
}

// A file that serves something, so that a test can add just what it is about. In front of it,
// so that the lines of the test's own text count from 1.
inline std::string with_endpoint(std::string_view yaml) {
  return std::string(yaml) + "endpoints: [{path: /x}]\n";
}

}  // namespace sockhook::conf
