// The Config of `sockhook run --backend URL` (contract section 1): one endpoint for every path in
// the events format, whose three routes are all that URL, and defaults for everything else.

#pragma once

#include <string>
#include <string_view>

#include "conf/config.h"
#include "protocol/base/result.h"

namespace sockhook::conf {

// The error is one line: what is wrong with the URL, and what is allowed.
Result<Config, std::string> quick_config(std::string_view url);

}  // namespace sockhook::conf
