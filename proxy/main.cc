// The program (contract section 1): reads its arguments and its config, then serves.

#include <unistd.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "conf/command_line.h"
#include "conf/config_reader.h"
#include "conf/quick_config.h"
#include "proxy/drain_command.h"
#include "proxy/observe/log.h"
#include "proxy/routing/version.h"
#include "proxy/server.h"

namespace sockhook {
namespace {

using conf::CommandLine;

void print(std::FILE* stream, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stream);
}

// Null when there are mistakes, which have been printed.
std::shared_ptr<const conf::Config> load(const CommandLine& command) {
  if (!command.backend_url.empty()) {
    auto config = conf::quick_config(command.backend_url);
    if (config) return std::make_shared<const conf::Config>(std::move(*config));
    print(stderr, "sockhook: --backend: " + config.error() + "\n");
    return nullptr;
  }
  conf::ReadOptions options;
  options.check_files = command.check_files;
  auto config = conf::read_config_file(command.config_file, conf::process_environment, options);
  if (config) return std::make_shared<const conf::Config>(std::move(*config));
  for (const conf::Mistake& mistake : config.error()) print(stderr, mistake.to_string() + "\n");
  return nullptr;
}

void start_log(const conf::Log& log) {
  constexpr observe::Level kLevels[] = {observe::Level::kDebug, observe::Level::kInfo,
                                        observe::Level::kWarn, observe::Level::kError};
  const bool is_json = log.format == conf::Log::Format::kJson ||
                       (log.format == conf::Log::Format::kAuto && ::isatty(STDOUT_FILENO) == 0);
  observe::start_log(kLevels[static_cast<int>(log.level)],
                     is_json ? observe::LogFormat::kJson : observe::LogFormat::kLogfmt);
}

// Certificates and keys that cannot be used are mistakes too; these have been printed.
std::optional<ServedFiles> load_files(const CommandLine& command, const conf::Config& config) {
  auto tls = TlsContexts::load(config);
  auto issuers = keys::IssuerTable::load(config);
  if (tls && issuers) return ServedFiles{std::move(*tls), std::move(*issuers)};
  const std::string& file = command.config_file;
  const std::string place = (file.empty() ? "sockhook" : file) + ": ";
  if (!tls) print(stderr, place + tls.error() + "\n");
  if (!issuers) print(stderr, place + issuers.error() + "\n");
  return std::nullopt;
}

int check(const CommandLine& command) {
  const std::shared_ptr<const conf::Config> config = load(command);
  const bool is_fine = config && (!command.check_files || load_files(command, *config));
  return is_fine ? conf::kExitFine : conf::kExitMistake;
}

int run(const CommandLine& command) {
  const std::shared_ptr<const conf::Config> config = load(command);
  if (!config) return conf::kExitMistake;
  std::optional<ServedFiles> files = load_files(command, *config);
  if (!files) return conf::kExitMistake;
  start_log(config->log);
  const int exit_code = serve(config, std::move(*files));
  observe::stop_log();
  return exit_code;
}

// It needs none of the files that the config names.
int drain(const CommandLine& command) {
  CommandLine reading = command;
  reading.check_files = false;
  const std::shared_ptr<const conf::Config> config = load(reading);
  return config ? drain_node(*config, command.wait) : conf::kExitMistake;
}

int main_with(const std::vector<std::string>& arguments) {
  const auto command = conf::parse_command_line(arguments);
  if (!command) {
    print(stderr, "sockhook: " + command.error() + "\n" + std::string(conf::usage_text()));
    return conf::kExitMistake;
  }
  switch (command->command) {
    case CommandLine::Command::kRun:
      return run(*command);
    case CommandLine::Command::kCheck:
      return check(*command);
    case CommandLine::Command::kDrain:
      return drain(*command);
    case CommandLine::Command::kVersion:
      print(stdout, "sockhook " + std::string(kVersion) + "\n");
      return conf::kExitFine;
    case CommandLine::Command::kHelp:
      print(stdout, conf::usage_text());
      return conf::kExitFine;
  }
  return conf::kExitMistake;
}

}  // namespace
}  // namespace sockhook

int main(int argc, char** argv) {
  return sockhook::main_with(std::vector<std::string>(argv + 1, argv + argc));
}
