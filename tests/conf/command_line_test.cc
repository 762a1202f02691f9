#include "conf/command_line.h"

#include <gtest/gtest.h>

namespace sockhook::conf {
namespace {

using Command = CommandLine::Command;

CommandLine parsed(const std::vector<std::string>& arguments) {
  const auto line = parse_command_line(arguments);
  if (!line) ADD_FAILURE() << line.error();
  return line ? *line : CommandLine{};
}

std::string error_of(const std::vector<std::string>& arguments) {
  const auto line = parse_command_line(arguments);
  return line ? "" : line.error();
}

TEST(CommandLineArguments, RunTakesAConfigOrABackend) {
  for (const auto& arguments : {std::vector<std::string>{"run", "--config", "a.yaml"},
                                std::vector<std::string>{"run", "--config=a.yaml"}}) {
    EXPECT_EQ(parsed(arguments).command, Command::kRun);
    EXPECT_EQ(parsed(arguments).config_file, "a.yaml");
  }
  EXPECT_EQ(parsed({"run", "--backend", "http://app:1/x?a=b"}).backend_url, "http://app:1/x?a=b");
}

TEST(CommandLineArguments, CheckTakesAConfigAndMaySkipFiles) {
  const CommandLine line = parsed({"check", "--config", "a.yaml"});
  EXPECT_EQ(line.command, Command::kCheck);
  EXPECT_TRUE(line.check_files);
  EXPECT_FALSE(parsed({"check", "--no-files", "--config", "a.yaml"}).check_files);
}

TEST(CommandLineArguments, DrainTakesAConfigAndMayWait) {
  const CommandLine line = parsed({"drain", "--config", "a.yaml"});
  EXPECT_EQ(line.command, Command::kDrain);
  EXPECT_EQ(line.config_file, "a.yaml");
  EXPECT_FALSE(line.wait);
  EXPECT_TRUE(parsed({"drain", "--wait", "--config=a.yaml"}).wait);
  EXPECT_EQ(error_of({"drain"}), "drain needs --config FILE");
  EXPECT_EQ(error_of({"drain", "--config", "a", "--no-files"}), "unknown argument \"--no-files\"");
  EXPECT_EQ(error_of({"drain", "--backend", "b"}), "unknown argument \"--backend\"");
  EXPECT_EQ(error_of({"run", "--config", "a", "--wait"}), "unknown argument \"--wait\"");
}

TEST(CommandLineArguments, VersionAndHelpNeedNothing) {
  for (const char* word : {"version", "--version"}) {
    EXPECT_EQ(parsed({word}).command, Command::kVersion);
  }
  for (const char* word : {"help", "--help", "-h"}) {
    EXPECT_EQ(parsed({word}).command, Command::kHelp);
  }
  EXPECT_EQ(parsed({"run", "--help"}).command, Command::kHelp);
}

TEST(CommandLineArguments, MistakesAreNamed) {
  EXPECT_EQ(error_of({}), "no command");
  EXPECT_EQ(error_of({"serve"}), "unknown command \"serve\"");
  EXPECT_EQ(error_of({"run"}), "run needs --config FILE or --backend URL");
  EXPECT_EQ(error_of({"run", "--config", "a", "--backend", "b"}),
            "run takes either --config or --backend");
  EXPECT_EQ(error_of({"run", "--config"}), "--config needs the name of a file");
  EXPECT_EQ(error_of({"run", "--config="}), "--config needs the name of a file");
  EXPECT_EQ(error_of({"run", "--config", "--backend", "b"}), "--config needs the name of a file");
  EXPECT_EQ(error_of({"run", "--backend"}), "--backend needs a URL");
  EXPECT_EQ(error_of({"run", "--config", "a", "--config", "b"}), "--config is given twice");
  EXPECT_EQ(error_of({"run", "--config", "a", "--no-files"}), "unknown argument \"--no-files\"");
  EXPECT_EQ(error_of({"run", "--configs", "a"}), "unknown argument \"--configs\"");
  EXPECT_EQ(error_of({"run", "a.yaml"}), "unknown argument \"a.yaml\"");
  EXPECT_EQ(error_of({"check"}), "check needs --config FILE");
  EXPECT_EQ(error_of({"check", "--backend", "b"}), "unknown argument \"--backend\"");
  EXPECT_EQ(error_of({"version", "x"}), "unknown argument \"x\"");
}

TEST(CommandLineArguments, UsageNamesEveryCommandAndOption) {
  for (const char* word : {"sockhook run", "--config FILE", "--backend URL", "sockhook check",
                           "--no-files", "sockhook version"}) {
    EXPECT_NE(usage_text().find(word), std::string_view::npos) << word;
  }
}

}  // namespace
}  // namespace sockhook::conf
