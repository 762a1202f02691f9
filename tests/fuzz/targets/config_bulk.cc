// Configurations that repeat themselves up to 64 KiB: time that grows faster than the text does
// shows here.
//
// Checked: time, by the CPU.
//
// Line 1: what stands in front; line 2: what is repeated ("\n" is a line end); then what stands
// behind.

#include <cstdint>
#include <ctime>
#include <string>

#include "conf/config_reader.h"
#include "protocol/base/check.h"
#include "tests/fuzz/input.h"

namespace {

using namespace sockhook::conf;

constexpr std::size_t kBytes = std::size_t{64} * 1024;
constexpr double kMaxSeconds = 4.0;  // under sanitizers

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

std::string unescaped(std::string_view line) {
  std::string text;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool is_end = line.substr(i).starts_with("\\n");
    text += is_end ? '\n' : line[i];
    i += is_end;
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sockhook::fuzz::Input input(data, size);
  std::string text(unescaped(input.line()));
  const std::string repeated = unescaped(input.line());
  while (!repeated.empty() && text.size() < kBytes) text += repeated;
  text += input.rest();
  const double started = cpu_seconds();
  const auto config = read_config(text, "f", [](const std::string&) { return std::nullopt; },
                                  {.check_files = false, .check_served = false});
  if (!config) SOCKHOOK_CHECK(!config.error().empty());
  SOCKHOOK_CHECK(cpu_seconds() - started < kMaxSeconds);
  return 0;
}
