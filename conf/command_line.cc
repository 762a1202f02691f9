#include "conf/command_line.h"

namespace sockhook::conf {
namespace {

using Command = CommandLine::Command;

Failure<std::string> failure(std::string what) { return {std::move(what)}; }

// Reads `--name VALUE` and `--name=VALUE`.
class Options {
 public:
  explicit Options(const std::vector<std::string>& arguments) : arguments_(arguments) {}

  bool has_more() const { return next_ < arguments_.size(); }
  const std::string& current() const { return arguments_[next_]; }
  void skip() { ++next_; }

  // True when the current argument is this option; then it is consumed, and its value, if there
  // is one, is put into `value`.
  bool take(std::string_view name, std::optional<std::string>* value) {
    const std::string_view argument = current();
    if (argument == name) {
      ++next_;
      if (has_more() && !current().starts_with("--")) *value = arguments_[next_++];
      return true;
    }
    if (!argument.starts_with(name) || argument.substr(name.size(), 1) != "=") return false;
    *value = argument.substr(name.size() + 1);
    ++next_;
    return true;
  }

 private:
  const std::vector<std::string>& arguments_;
  std::size_t next_ = 0;
};

std::optional<Command> command_of(std::string_view word) {
  if (word == "run") return Command::kRun;
  if (word == "check") return Command::kCheck;
  if (word == "drain") return Command::kDrain;
  if (word == "version" || word == "--version") return Command::kVersion;
  if (word == "help" || word == "--help" || word == "-h") return Command::kHelp;
  return std::nullopt;
}

// What one option may be used with is checked here; what must be there, in parse_command_line.
std::optional<std::string> read_option(Options& options, CommandLine& line) {
  const std::string argument = options.current();
  const bool takes_config = line.command == Command::kRun || line.command == Command::kCheck ||
                            line.command == Command::kDrain;
  std::optional<std::string> value;
  if (argument == "--help" || argument == "-h") {
    line.command = Command::kHelp;
    options.skip();
  } else if (takes_config && options.take("--config", &value)) {
    if (!value || value->empty()) return "--config needs the name of a file";
    if (!line.config_file.empty()) return "--config is given twice";
    line.config_file = *value;
  } else if (line.command == Command::kRun && options.take("--backend", &value)) {
    if (!value || value->empty()) return "--backend needs a URL";
    if (!line.backend_url.empty()) return "--backend is given twice";
    line.backend_url = *value;
  } else if (line.command == Command::kCheck && argument == "--no-files") {
    line.check_files = false;
    options.skip();
  } else if (line.command == Command::kDrain && argument == "--wait") {
    line.wait = true;
    options.skip();
  } else {
    return "unknown argument \"" + argument + "\"";
  }
  return std::nullopt;
}

}  // namespace

Result<CommandLine, std::string> parse_command_line(const std::vector<std::string>& arguments) {
  if (arguments.empty()) return failure("no command");
  const std::optional<Command> command = command_of(arguments.front());
  if (!command) return failure("unknown command \"" + arguments.front() + "\"");
  CommandLine line;
  line.command = *command;
  Options options(arguments);
  options.skip();
  while (options.has_more() && line.command != Command::kHelp) {
    if (const auto error = read_option(options, line)) return failure(*error);
  }
  const bool has_config = !line.config_file.empty();
  if (line.command == Command::kCheck && !has_config) return failure("check needs --config FILE");
  if (line.command == Command::kDrain && !has_config) return failure("drain needs --config FILE");
  if (line.command == Command::kRun) {
    if (!has_config && line.backend_url.empty()) {
      return failure("run needs --config FILE or --backend URL");
    }
    if (has_config && !line.backend_url.empty()) {
      return failure("run takes either --config or --backend");
    }
  }
  return line;
}

std::string_view usage_text() {
  return R"(usage:
  sockhook run --config FILE               serve as the file says
  sockhook run --backend URL               serve every path; all webhooks go to URL
  sockhook check --config FILE [--no-files]
                                           print every mistake of the file; --no-files: do not
                                           look whether certificate and key files are there
  sockhook drain --config FILE [--wait]    have the node that runs by the file drain, as a preStop
                                           hook; --wait: return when it has
  sockhook version
exit status: 0 fine, 1 failed while running, or reached no node to drain, 2 mistakes in the config
             or in the arguments
)";
}

}  // namespace sockhook::conf
