// Reads a config file: YAML in, a Config or all of its mistakes out.
//
// Thread: any; nothing is kept between calls. Files are only looked at (certificates, keys), and
// only with `check_files`.

#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conf/config.h"
#include "conf/mistake.h"
#include "protocol/base/result.h"

namespace sockhook::conf {

using Mistakes = std::vector<Mistake>;

// The value of an environment variable; nullopt: not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
std::optional<std::string> process_environment(const std::string& name);

struct ReadOptions {
  bool check_files = true;   // missing certificate and key files are mistakes
  bool check_served = true;  // so is what this version does not serve yet (not_yet.h)
};

// All mistakes of one run, in the order of the file. `file` is its name for them.
Result<Config, Mistakes> read_config(std::string_view yaml, const std::string& file,
                                     const Environment& environment,
                                     const ReadOptions& options = {});

// The same from a file of that path; one that cannot be read is a mistake as well.
Result<Config, Mistakes> read_config_file(const std::string& path, const Environment& environment,
                                          const ReadOptions& options = {});

// Every key that the reader knows, in its order: "listen.public.address",
// "backends.NAME.headers.NAME", "endpoints[].routes.KEY.retry.on[]".
std::vector<std::string> known_keys();

}  // namespace sockhook::conf
