// A jwks_file's text. Blocks while it reads, a small file at a time: never one that is no ordinary
// file, such as a pipe that nobody writes to. Any thread.

#pragma once

#include <string>

#include "protocol/base/result.h"

namespace sockhook::keys {

// At most KeySet::kMaxJwksBytes. The error follows the file's name: "cannot be read: ...".
Result<std::string, std::string> read_key_file(const std::string& path);

}  // namespace sockhook::keys
