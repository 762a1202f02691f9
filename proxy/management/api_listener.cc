#include "proxy/management/api_listener.h"

#include <utility>

#include "proxy/net/tls_stream.h"
#include "proxy/observe/log.h"

namespace sockhook::management {

ApiListener::ApiListener(net::Loop& loop, net::ListenSocket socket, RequestHandler& handler,
                         std::size_t body_size, ApiListenerOwner* owner, net::TlsContextPtr tls)
    : loop_(loop),
      handler_(handler),
      body_size_(body_size),
      owner_(owner),
      tls_(std::move(tls)),
      listener_(loop, std::move(socket), this) {}

void ApiListener::on_connection(const net::Incoming& incoming) {
  auto socket = std::make_unique<net::SocketStream>(loop_, incoming.is_unix, nullptr);
  const bool is_accepted = socket->accept(incoming);
  std::unique_ptr<net::Stream> stream = std::move(socket);
  if (tls_ && is_accepted) {
    auto secure = net::TlsStream::server(loop_, tls_, std::move(stream), nullptr);
    secure->start();
    stream = std::move(secure);
  }
  ApiConnectionOwner* const owner = this;
  auto connection = std::make_unique<ApiConnection>(loop_.deadlines(), std::move(stream), handler_,
                                                    body_size_, owner);
  ApiConnection& added = *connection;
  connections_.emplace(&added, std::move(connection));
  const bool is_full = connections_.size() > kMaxConnections;
  if (is_accepted && !is_stopping_ && !is_full) {
    added.start();
  } else {
    if (is_full) observe::LogLine(observe::Level::kWarn, "too many management connections");
    added.abort();
  }
}

void ApiListener::on_connection_closed(ApiConnection* connection) {
  connections_.erase(connection);
  check_stopped();
}

void ApiListener::stop() {
  if (std::exchange(is_stopping_, true)) return;
  listener_.stop();
  loop_.deadlines().arm(stop_deadline_, kStopMs);
  for_each_connection([](ApiConnection& connection) { connection.close(); });
}

void ApiListener::on_deadline(net::Deadline&) {
  for_each_connection([](ApiConnection& connection) { connection.abort(); });
}

// Connections leave the table only from the loop, never from inside close() or abort().
template <typename Action>
void ApiListener::for_each_connection(Action action) {
  for (const auto& [connection, owned] : connections_) action(*connection);
}

void ApiListener::on_stopped() {
  is_listening_ = false;
  check_stopped();
}

void ApiListener::check_stopped() {
  if (!is_stopping_ || is_listening_ || !connections_.empty()) return;
  stop_deadline_.cancel();
  owner_->on_listener_stopped(*this);
}

}  // namespace sockhook::management
