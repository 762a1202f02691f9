// wsload MODE ADDRESS:PORT [--option value ...]: load on one thread; see load.h for modes and
// options.

#include <cstdlib>
#include <functional>
#include <map>
#include <sstream>
#include <string>

#include "bench/load.h"
#include "bench/socket.h"

namespace bench {
namespace {

constexpr const char* kUsage =
    "usage: wsload ws|http|idle|reconnect|fanout|push ADDRESS:PORT [--path PATH] [--connections "
    "N]\n"
    "         [--window N] [--size BYTES] [--seconds S] [--at-a-time N] [--watch PID,PID]\n"
    "         [--management ADDRESS:PORT] [--publish-path PATH] [--redis ADDRESS:PORT]";

std::size_t parse_number(const std::string& text) {
  char* end = nullptr;
  const unsigned long value = std::strtoul(text.c_str(), &end, 10);
  if (text.empty() || *end != '\0' || value == 0) die("not a number above 0: " + text);
  return value;
}

std::vector<pid_t> parse_processes(const std::string& text) {
  std::vector<pid_t> processes;
  std::istringstream list(text);
  for (std::string item; std::getline(list, item, ',');) {
    processes.push_back(static_cast<pid_t>(parse_number(item)));
  }
  return processes;
}

LoadOptions parse_options(int argc, char** argv) {
  LoadOptions options;
  options.target = parse_address(argv[2]);
  using Setter = std::function<void(const std::string&)>;
  const std::map<std::string, Setter> setters = {
      {"--path", [&](const std::string& text) { options.path = text; }},
      {"--publish-path", [&](const std::string& text) { options.publish_path = text; }},
      {"--management", [&](const std::string& text) { options.management = parse_address(text); }},
      {"--redis", [&](const std::string& text) { options.redis = parse_address(text); }},
      {"--connections", [&](const std::string& text) { options.connections = parse_number(text); }},
      {"--at-a-time", [&](const std::string& text) { options.at_a_time = parse_number(text); }},
      {"--window", [&](const std::string& text) { options.window = parse_number(text); }},
      {"--size", [&](const std::string& text) { options.size = parse_number(text); }},
      {"--seconds", [&](const std::string& text) { options.seconds = std::atof(text.c_str()); }},
      {"--watch", [&](const std::string& text) { options.watched = parse_processes(text); }},
  };
  for (int i = 3; i < argc; i += 2) {
    const auto setter = setters.find(argv[i]);
    if (setter == setters.end() || i + 1 == argc) die(kUsage);
    setter->second(argv[i + 1]);
  }
  return options;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  const std::map<std::string, void (*)(const bench::LoadOptions&)> modes = {
      {"ws", bench::load_ws},         {"http", bench::load_http},
      {"idle", bench::load_idle},     {"reconnect", bench::load_reconnect},
      {"fanout", bench::load_fanout}, {"push", bench::load_push},
  };
  const auto mode = argc >= 3 ? modes.find(argv[1]) : modes.end();
  if (mode == modes.end()) bench::die(bench::kUsage);
  bench::raise_descriptor_limit();
  mode->second(bench::parse_options(argc, argv));
}
