#include "conf/config_reader.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "conf/not_yet.h"
#include "conf/reader/cursor.h"
#include "conf/reader/prepare.h"
#include "conf/reader/sections.h"
#include "conf/reader/yaml_tree.h"

namespace sockhook::conf {
namespace {

// The sections in the order in which they need one another.
void read_sections(const Cursor& root, Config* config) {
  Section section(root);
  if (root.is_text() || root.is_list()) return;
  read_node(section["node"], &config->node);
  const Cursor listen = section["listen"];
  read_listen(listen, &config->listen);
  read_backends(section["backends"], &config->backends);
  // The endpoints take their defaults from `lambda`, which stands behind them in the manual.
  const Cursor endpoints = section["endpoints"];
  read_lambda(section["lambda"], &config->lambda);
  read_endpoints(endpoints, config);
  read_passthrough(section["passthrough"], config);
  read_management(section["management"], config);
  read_signing(section["signing"], &config->signing);
  read_backplane(section["backplane"], &config->backplane);
  read_drain(section["drain"], &config->drain);
  const Cursor ready = section["ready"];
  read_ready(ready, &config->ready);
  read_log(section["log"], &config->log);
  read_tracing(section["tracing"], &config->tracing);

  if (!endpoints.is_given() && !config->passthrough) {
    root.mistake("there is nothing to serve", "at least one endpoint, or passthrough");
  } else if (endpoints.is_list() && config->endpoints.empty() && !config->passthrough) {
    endpoints.mistake("is empty", "at least one endpoint, or passthrough");
  }
  const Address& management = config->listen.management.address;
  if (!management.is_unix() && !management.is_loopback() && !config->management.has_auth()) {
    listen.key("management")
        .key("address")
        .mistake(management.to_string() +
                     " can be reached from other machines, and management.auth is not "
                     "set",
                 "a loopback address, unix:/path, or any address with management.auth");
  }
  if (config->ready.backplane_required && !config->backplane.redis) {
    ready.key("backplane")
        .mistake("needs backplane.redis, which is not set", "optional, or required beside redis");
  }
}

// Returns why it cannot be read. Stops where the file is too large anyway.
std::optional<std::string> read_file(const std::string& path, std::string* text) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             std::fclose);
  if (file == nullptr) return std::strerror(errno);
  std::array<char, 65'536> buffer{};
  while (text->size() <= yaml::kMaxBytes) {
    const std::size_t count = std::fread(buffer.data(), 1, buffer.size(), file.get());
    text->append(buffer.data(), count);
    if (count < buffer.size()) break;
  }
  if (std::ferror(file.get()) != 0) return std::strerror(errno);
  return std::nullopt;
}

}  // namespace

Result<Config, Mistakes> read_config(std::string_view yaml, const std::string& file,
                                     const Environment& environment, const ReadOptions& options) {
  Reading reading(file, options);
  yaml::Tree tree = yaml::parse(yaml);
  for (yaml::Problem& problem : tree.problems) {
    reading.mistake(problem.at, "", std::move(problem.what));
  }
  Config config;
  if (tree.problems.empty()) {
    prepare(tree.root, environment, reading);
    read_sections(Cursor(reading, &tree.root, "", {}), &config);
    if (options.check_served) {
      for (NotServed& key : find_not_served(config)) {
        reading.mistake(reading.place_of(key.path), key.path, std::move(key.what));
      }
    }
  }
  Mistakes mistakes = reading.take_mistakes();
  if (!mistakes.empty()) return Failure{std::move(mistakes)};
  return config;
}

Result<Config, Mistakes> read_config_file(const std::string& path, const Environment& environment,
                                          const ReadOptions& options) {
  std::string text;
  if (const std::optional<std::string> reason = read_file(path, &text)) {
    return Failure{Mistakes{
        {path,
         {},
         "",
         "cannot read this file: " + *reason + "; allowed: a YAML file that can be read"}}};
  }
  return read_config(text, path, environment, options);
}

std::vector<std::string> known_keys() {
  Reading reading;
  Config config;
  read_sections(Cursor(reading, nullptr, "", {}), &config);
  return reading.keys();
}

}  // namespace sockhook::conf
