// ${NAME} and ${NAME:-default} in a value (contract section 1).
//
// NAME is [A-Z_][A-Z0-9_]*; as in a shell, the default serves for an unset and for an empty
// variable and ends at the first `}`. `$${` writes a literal `${`; any other `${` stays as it is,
// so that selection expressions need no escape. What comes from the environment is not looked at
// again.

#pragma once

#include <string>
#include <string_view>

#include "conf/config_reader.h"
#include "protocol/base/result.h"

namespace sockhook::conf {

// The error is the name of a variable that is neither set nor has a default.
Result<std::string, std::string> substitute(std::string_view text, const Environment& environment);

}  // namespace sockhook::conf
