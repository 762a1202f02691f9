#include "proxy/tls_contexts.h"

#include <optional>
#include <utility>

namespace sockhook {
namespace {

using Made = Result<net::TlsContextPtr, std::string>;

// Takes what was made for the key `path`, or says what is wrong with it.
std::optional<std::string> take(Made made, const std::string& path, net::TlsContextPtr* target) {
  if (!made) return path + ": " + made.error();
  *target = std::move(*made);
  return std::nullopt;
}

}  // namespace

Result<TlsContexts, std::string> TlsContexts::load(const conf::Config& config) {
  TlsContexts contexts;
  const conf::Listen& listen = config.listen;
  if (listen.public_.tls) {
    auto made = net::TlsContext::server(*listen.public_.tls);
    auto error = take(std::move(made), "listen.public.tls", &contexts.public_);
    if (error) return Failure{std::move(*error)};
  }
  if (listen.management.tls) {
    auto made = net::TlsContext::server(*listen.management.tls);
    auto error = take(std::move(made), "listen.management.tls", &contexts.management);
    if (error) return Failure{std::move(*error)};
  }
  for (const conf::Backend& backend : config.backends) {
    net::TlsContextPtr& target = contexts.backends.emplace_back();
    if (!backend.urls.front().https) continue;
    auto made = net::TlsContext::client(backend.tls, net::TlsContext::Alpn::kHttp11);
    auto error = take(std::move(made), "backends." + backend.name + ".tls", &target);
    if (error) return Failure{std::move(*error)};
  }
  return contexts;
}

}  // namespace sockhook
