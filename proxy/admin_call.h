// admin_call: one request to the admin listener of a node on this machine, for commands of the
// program that are no server. Blocking, on the thread that calls it, kAdminCallMs at most.
//
// An address that means all of this machine's (0.0.0.0, ::) is asked on loopback.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "conf/config.h"
#include "protocol/base/result.h"

namespace sockhook {

inline constexpr std::uint64_t kAdminCallMs = 5000;
inline constexpr std::size_t kAdminAnswerBytes = std::size_t{64} * 1024;

struct AdminAnswer {
  int status = 0;
  std::string body;
};

struct AdminCallError {
  bool is_refused = false;  // nobody listens there
  std::string what;         // for people
};

Result<AdminAnswer, AdminCallError> admin_call(const conf::AdminListener& listener,
                                               std::string_view method, std::string_view path);

}  // namespace sockhook
