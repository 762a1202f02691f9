#include "conf/values.h"

#include "protocol/http/cidr.h"

namespace sockhook::conf {

bool Address::is_loopback() const {
  const auto address = http::IpAddress::parse(host);
  return address && address->is_loopback();
}

std::string Address::to_string() const {
  if (is_unix()) return "unix:" + unix_path;
  const bool is_v6 = host.find(':') != std::string::npos;
  return (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string HttpUrl::to_string() const {
  return (https ? "https://" : "http://") + authority + target.substr(0, target.find('?'));
}

}  // namespace sockhook::conf
