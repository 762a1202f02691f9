// The program's arguments (contract section 1).

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.h"

namespace sockhook::conf {

struct CommandLine {
  enum class Command { kRun, kCheck, kDrain, kVersion, kHelp };
  Command command = Command::kHelp;
  std::string config_file;  // of run, check and drain; empty: run --backend
  std::string backend_url;  // of run
  bool check_files = true;  // check without --no-files
  bool wait = false;        // drain with --wait
};

// Exit codes of the program.
inline constexpr int kExitFine = 0;
inline constexpr int kExitFailed = 1;   // while running
inline constexpr int kExitMistake = 2;  // in the config or the arguments

// `arguments` without the program's name. The error is one line for stderr, to be followed by
// usage_text().
Result<CommandLine, std::string> parse_command_line(const std::vector<std::string>& arguments);

std::string_view usage_text();

}  // namespace sockhook::conf
