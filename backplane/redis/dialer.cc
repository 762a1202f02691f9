#include "backplane/redis/dialer.h"

#include <utility>

namespace sockhook::redis {

Dialer::Call TcpDialer::dial(const net::SocketAddress& address, const std::string& /*host*/,
                             net::StreamListener* listener, net::ConnectListener* connected) {
  auto socket = std::make_unique<net::SocketStream>(loop_, address.is_unix(), listener);
  const int error = socket->connect(address, connected);
  return {std::move(socket), error};
}

}  // namespace sockhook::redis
