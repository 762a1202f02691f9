#include "proxy/server.h"

#include <sys/resource.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "conf/command_line.h"
#include "conf/cpu_limit.h"
#include "proxy/control.h"
#include "proxy/node.h"
#include "proxy/observe/log.h"
#include "proxy/random.h"
#include "proxy/worker.h"

namespace sockhook {
namespace {

using observe::Level;
using observe::LogLine;

// Ids have one byte for the worker.
constexpr unsigned kMaxWorkers = 256;

// Raises the soft limit to the hard one and returns it.
std::size_t descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

std::size_t connection_limit(const conf::PublicListener& listener, std::size_t descriptors) {
  if (const auto* percent = std::get_if<conf::Percent>(&listener.connections)) {
    return std::max<std::size_t>(descriptors / 100 * percent->value, 1);
  }
  const std::size_t wanted = std::get<std::size_t>(listener.connections);
  if (wanted > descriptors) {
    LogLine(Level::kWarn, "listen.public.connections is above the limit of open files")
        .field("connections", static_cast<uint64_t>(wanted))
        .field("open_files", static_cast<uint64_t>(descriptors));
  }
  return wanted;
}

// Clients may have so many sockets. The others are for backends, management, and what is open
// anyway: half of what connections leave (the other half is for those whose handshake is not
// complete), a twentieth or kOwnDescriptors at least.
std::size_t socket_limit(std::size_t connections, std::size_t descriptors) {
  constexpr std::size_t kOwnDescriptors = 64;
  const std::size_t left = descriptors - std::min(connections, descriptors);
  const std::size_t own = std::min(kOwnDescriptors, descriptors / 2);
  return descriptors - std::max({left / 2, descriptors / 20, own});
}

net::SocketAddress socket_address(const conf::Address& address) {
  return address.is_unix() ? net::SocketAddress::unix_path(address.unix_path)
                           : net::SocketAddress::ip(address.host, address.port);
}

std::optional<net::ListenSocket> open(const conf::Address& address, std::string_view listener) {
  auto socket = net::ListenSocket::open(socket_address(address));
  if (!socket) {
    LogLine(Level::kError, socket.error()).field("listener", listener);
    return std::nullopt;
  }
  LogLine(Level::kInfo, "listening")
      .field("listener", listener)
      .field("address", socket->address().to_string());
  return std::move(*socket);
}

void share_backends(Node& node, const std::vector<std::unique_ptr<Worker>>& workers) {
  for (std::size_t i = 0; i < node.config->backends.size(); ++i) {
    const auto wake = [&workers] {
      for (const auto& worker : workers) {
        // A full mailbox has other messages that will make the worker look.
        static_cast<void>(worker->post(BudgetChanged{}));
      }
    };
    const conf::Backend& backend = node.config->backends[i];
    SharedBackend shared;
    shared.conf = std::shared_ptr<const conf::Backend>(node.config, &backend);
    shared.tls = node.tls->backends[i];
    shared.budget = std::make_unique<backend::BackendBudget>(backend.max_connections, wake);
    shared.gate = std::make_unique<webhooks::OutageGate>();
    if (backend.breaker) {
      shared.breaker = std::make_unique<backend::Breaker>(
          *backend.breaker,
          [random = std::make_shared<Random>()](uint64_t bound) { return random->below(bound); });
    }
    node.backends.push_back(std::move(shared));
  }
}

// One listening socket for each worker, the first being `first`.
std::optional<std::vector<net::ListenSocket>> share(net::ListenSocket first, unsigned workers) {
  std::vector<net::ListenSocket> sockets;
  for (unsigned i = 1; i < workers; ++i) {
    auto shared = first.share();
    if (!shared) {
      LogLine(Level::kError, shared.error()).field("listener", "public");
      return std::nullopt;
    }
    sockets.push_back(std::move(*shared));
  }
  sockets.push_back(std::move(first));
  return sockets;
}

}  // namespace

int serve(const std::shared_ptr<const conf::Config>& config, ServedFiles files) {
  const conf::Listen& listen = config->listen;
  auto front = open(listen.public_.address, "public");
  auto management = open(listen.management.address, "management");
  auto admin = open(listen.admin.address, "admin");
  if (!front || !management || !admin) return conf::kExitFailed;

  const unsigned count =
      std::clamp(config->node.workers.value_or(conf::available_cpus()), 1U, kMaxWorkers);
  auto sockets = share(std::move(*front), count);
  if (!sockets) return conf::kExitFailed;

  const std::size_t descriptors = descriptor_limit();
  const std::size_t connections = connection_limit(listen.public_, descriptors);
  const std::size_t client_sockets = socket_limit(connections, descriptors);
  Node node(config, count, std::min(connections, client_sockets), std::move(files.tls),
            std::move(files.issuers));
  node.admission.limit_sockets(client_sockets);
  std::vector<std::unique_ptr<Worker>> workers;
  Control control(node, [&workers](unsigned worker, WorkerMessage message) {
    return workers[worker]->post(std::move(message));
  });
  for (unsigned i = 0; i < count; ++i) {
    workers.push_back(std::make_unique<Worker>(node, i, control.mailbox()));
  }
  share_backends(node, workers);
  for (unsigned i = 0; i < count; ++i) workers[i]->start(std::move((*sockets)[i]));
  LogLine(Level::kInfo, "serving").field("node", node.name).field("workers", uint64_t{count});
  const int exit_code = control.run(std::move(*management), std::move(*admin));
  for (const auto& worker : workers) worker->join();
  LogLine(Level::kInfo, "stopped");
  return exit_code;
}

}  // namespace sockhook
