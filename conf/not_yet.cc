#include "conf/not_yet.h"

namespace sockhook::conf {
namespace {

using Paths = std::vector<std::string>;

Paths path_if(bool is_used, const char* path) { return is_used ? Paths{path} : Paths{}; }

struct Row {
  const char* capability;
  const char* allowed;  // meanwhile
  Paths (*find)(const Config&);
};

constexpr Row kNotServedYet[] = {
    {"tracing", "off", [](const Config& c) { return path_if(c.tracing.has_value(), "tracing"); }},
};

}  // namespace

std::vector<NotServed> find_not_served(const Config& config) {
  std::vector<NotServed> found;
  for (const Row& row : kNotServedYet) {
    for (std::string& path : row.find(config)) {
      found.push_back(
          {std::move(path), std::string(row.capability) +
                                " is not served by this version yet; allowed: " + row.allowed});
    }
  }
  return found;
}

}  // namespace sockhook::conf
