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

void add(const conf::CertificateFiles& files, std::vector<std::string>* all) {
  all->insert(all->end(), {files.certificate, files.key});
}

void add(const std::optional<conf::ServerTls>& tls, std::vector<std::string>* all) {
  if (!tls) return;
  add(tls->files, all);
  for (const conf::CertificateFiles& files : tls->certificates) add(files, all);
  if (tls->client_ca) all->push_back(*tls->client_ca);
}

const net::TlsContext* get(const TlsContexts* contexts, net::TlsContextPtr TlsContexts::*which) {
  return contexts != nullptr ? (contexts->*which).get() : nullptr;
}

}  // namespace

std::vector<std::string> TlsContexts::files_of(const conf::Config& config) {
  std::vector<std::string> files;
  add(config.listen.public_.tls, &files);
  add(config.listen.management.tls, &files);
  for (const conf::Backend& backend : config.backends) {
    if (backend.tls.ca) files.push_back(*backend.tls.ca);
    if (backend.tls.files) add(*backend.tls.files, &files);
  }
  return files;
}

Result<TlsContexts, std::string> TlsContexts::load(const conf::Config& config,
                                                   const TlsContexts* before) {
  TlsContexts contexts;
  contexts.files = net::FilePrint::of_all(files_of(config));
  const conf::Listen& listen = config.listen;
  if (listen.public_.tls) {
    auto made = net::TlsContext::server(*listen.public_.tls, get(before, &TlsContexts::public_));
    auto error = take(std::move(made), "listen.public.tls", &contexts.public_);
    if (error) return Failure{std::move(*error)};
  }
  if (listen.management.tls) {
    auto made =
        net::TlsContext::server(*listen.management.tls, get(before, &TlsContexts::management));
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
