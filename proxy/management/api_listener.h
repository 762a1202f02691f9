// ApiListener: accepts the clients of the management or the admin listener and owns their
// connections.
//
// At most kMaxConnections at a time; one more is closed at once, and the log says so. After stop()
// nobody new is accepted, requests under way are answered for kStopMs, then what is left is
// aborted; on_listener_stopped follows when the last connection is gone.
//
// Owner: the Control, which destroys it after on_listener_stopped. Thread: the control loop's.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>

#include "proxy/management/api_connection.h"
#include "proxy/net/listener.h"
#include "proxy/net/tls_context.h"

namespace sockhook::management {

class ApiListener;

class ApiListenerOwner {
 public:
  virtual void on_listener_stopped(ApiListener& listener) = 0;

 protected:
  ~ApiListenerOwner() = default;
};

class ApiListener final : private net::AcceptListener,
                          private net::DeadlineListener,
                          private ApiConnectionOwner {
 public:
  static constexpr std::size_t kMaxConnections = 1024;
  static constexpr std::uint64_t kStopMs = 1000;

  // The handler outlives the listener. Without `tls` it is plain HTTP.
  ApiListener(net::Loop& loop, net::ListenSocket socket, RequestHandler& handler,
              std::size_t body_size, ApiListenerOwner* owner, net::TlsContextPtr tls = nullptr);
  ApiListener(const ApiListener&) = delete;
  ApiListener& operator=(const ApiListener&) = delete;

  // For the connections that come from now on. Whether there is TLS stays as it is.
  void use_tls(net::TlsContextPtr tls) { tls_ = std::move(tls); }
  void stop();
  std::size_t connections() const { return connections_.size(); }

 private:
  // net::AcceptListener
  void on_connection(const net::Incoming& incoming) override;
  void on_stopped() override;
  // net::DeadlineListener
  void on_deadline(net::Deadline& deadline) override;
  // ApiConnectionOwner
  void on_connection_closed(ApiConnection* connection) override;

  void check_stopped();
  template <typename Action>
  void for_each_connection(Action action);

  net::Loop& loop_;
  RequestHandler& handler_;
  const std::size_t body_size_;
  ApiListenerOwner* const owner_;
  net::TlsContextPtr tls_;
  std::unordered_map<ApiConnection*, std::unique_ptr<ApiConnection>> connections_;
  net::Deadline stop_deadline_{this};
  bool is_stopping_ = false;
  bool is_listening_ = true;
  net::Listener listener_;
};

}  // namespace sockhook::management
