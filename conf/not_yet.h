// What a config may say but this version does not serve yet.
//
// Such keys are read and checked in full, and then refused by run and check alike, so that nobody
// believes in a setting that is silently ignored. One row of the table per capability; whoever
// builds it deletes its row.

#pragma once

#include <string>
#include <vector>

#include "conf/config.h"

namespace sockhook::conf {

struct NotServed {
  std::string path;  // "endpoints[0].auth.jwt"
  std::string what;  // what is wrong, and what is allowed
};

std::vector<NotServed> find_not_served(const Config& config);

}  // namespace sockhook::conf
