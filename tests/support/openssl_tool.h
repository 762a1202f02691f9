// OpensslTool: the openssl command, e.g. s_client and s_server, as a foreign peer. What is written
// to it is what somebody would type; what it prints, both streams, is collected. It dies with the
// test.

#pragma once

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/check.h"

namespace sockhook::testing {

class OpensslTool {
 public:
  explicit OpensslTool(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "openssl");
    int in[2];
    int out[2];
    SOCKHOOK_CHECK(::pipe2(in, O_CLOEXEC) == 0 && ::pipe2(out, O_CLOEXEC) == 0);
    pid_ = ::fork();
    SOCKHOOK_CHECK(pid_ >= 0);
    if (pid_ == 0) run(arguments, in[0], out[1]);
    ::close(in[0]);
    ::close(out[1]);
    input_ = in[1];
    output_ = out[0];
    ::fcntl(output_, F_SETFL, O_NONBLOCK);
  }
  ~OpensslTool() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    ::close(output_);
    end_input();
  }
  OpensslTool(const OpensslTool&) = delete;
  OpensslTool& operator=(const OpensslTool&) = delete;

  void type(std::string_view text) {
    SOCKHOOK_CHECK(::write(input_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  void end_input() {
    if (input_ >= 0) ::close(input_);
    input_ = -1;
  }
  // All that it has printed so far.
  const std::string& printed() {
    char buffer[4096];
    for (ssize_t size = 0; (size = ::read(output_, buffer, sizeof(buffer))) > 0;) {
      printed_.append(buffer, static_cast<std::size_t>(size));
    }
    return printed_;
  }
  bool has_printed(std::string_view text) { return printed().find(text) != std::string::npos; }

 private:
  [[noreturn]] static void run(const std::vector<std::string>& arguments, int in, int out) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(in, STDIN_FILENO);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(out, STDERR_FILENO);
    std::vector<char*> words;
    for (const std::string& argument : arguments)
      words.push_back(const_cast<char*>(argument.c_str()));
    words.push_back(nullptr);
    ::execvp(words[0], words.data());
    ::_exit(127);
  }

  pid_t pid_;
  int input_;
  int output_;
  std::string printed_;
};

}  // namespace sockhook::testing
