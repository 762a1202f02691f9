// Configurations.
//
// Checked: what is refused has mistakes, each within the file, with a text for one line; nothing is
// deeper or longer than the reader allows; what takes longer than a second is a finding.

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <string>

#include "conf/config_reader.h"
#include "conf/reader/yaml_tree.h"
#include "protocol/base/check.h"

namespace {

using namespace sockhook::conf;

constexpr ReadOptions kOptions{.check_files = false, .check_served = false};

// Of this process: a busy machine does not count.
double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

std::optional<std::string> environment(const std::string& name) {
  if (name == "SET") return "value";
  if (name == "YAML") return "{a: [b]}";
  return std::nullopt;
}

std::size_t depth_of(const yaml::TreeNode& node) {
  std::size_t below = 0;
  for (const auto& item : node.items) below = std::max(below, depth_of(item));
  for (const auto& entry : node.entries) {
    below = std::max({below, depth_of(entry.key), depth_of(entry.value)});
  }
  return 1 + below;
}

void check(const Mistakes& mistakes, int lines) {
  SOCKHOOK_CHECK(!mistakes.empty());
  for (const Mistake& mistake : mistakes) {
    SOCKHOOK_CHECK(!mistake.what.empty());
    SOCKHOOK_CHECK(mistake.at.line >= 1 && mistake.at.line <= lines && mistake.at.column >= 1);
    const std::string text = mistake.to_string();
    SOCKHOOK_CHECK(std::none_of(text.begin(), text.end(),
                                [](unsigned char c) { return c < 0x20 || c == 0x7F; }));
  }
  SOCKHOOK_CHECK(std::is_sorted(mistakes.begin(), mistakes.end(),
                                [](const auto& a, const auto& b) { return a.at < b.at; }));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto lines = static_cast<int>(std::count(text.begin(), text.end(), '\n')) + 1;
  const double started = cpu_seconds();
  const auto config = read_config(text, "f", environment, kOptions);
  if (!config) check(config.error(), lines);
  if (config) SOCKHOOK_CHECK(!config->endpoints.empty() || config->passthrough);
  const yaml::Tree tree = yaml::parse(text);
  if (tree.problems.empty()) SOCKHOOK_CHECK(depth_of(tree.root) <= yaml::kMaxDepth + 1);
  SOCKHOOK_CHECK(cpu_seconds() - started < 1.0);
  return 0;
}
