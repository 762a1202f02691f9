#include "proxy/net/resolver.h"

#include <netdb.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace sockhook::net {

struct Resolver::Question {
  uv_getaddrinfo_t request;
  Resolver* asker;
  uint16_t port;
};

Resolver::~Resolver() {
  if (question_ == nullptr) return;
  question_->asker = nullptr;
  uv_cancel(reinterpret_cast<uv_req_t*>(&question_->request));
}

void Resolver::resolve(const std::string& host, uint16_t port) {
  if (question_ != nullptr) return;
  auto question = std::make_unique<Question>();
  question->asker = this;
  question->port = port;
  question->request.data = question.get();
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  const auto done = [](uv_getaddrinfo_t* request, int status, addrinfo* found) {
    std::unique_ptr<Question> answered(static_cast<Question*>(request->data));
    std::vector<SocketAddress> addresses;
    for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
      SocketAddress address = SocketAddress::from(entry->ai_addr, entry->ai_addrlen);
      address.set_port(answered->port);
      if (std::find(addresses.begin(), addresses.end(), address) == addresses.end()) {
        addresses.push_back(address);
      }
    }
    uv_freeaddrinfo(found);
    Resolver* asker = answered->asker;
    if (asker == nullptr) return;
    asker->question_ = nullptr;
    asker->listener_->on_resolved(status, std::move(addresses));
  };
  // Fails at once only without memory or for a name that no resolver would take.
  const int error =
      uv_getaddrinfo(loop_.uv(), &question->request, done, host.c_str(), nullptr, &hints);
  if (error == 0) {
    question_ = question.release();
  } else {
    listener_->on_resolved(error, {});
  }
}

}  // namespace sockhook::net
