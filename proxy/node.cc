#include "proxy/node.h"

#include <utility>

#include "protocol/base/hex.h"
#include "proxy/random.h"

namespace sockhook {
namespace {

std::string node_name(const conf::Config& config) {
  if (config.node.id) return *config.node.id;
  return "node-" + to_hex(Random().bytes<5>());
}

std::vector<http::Cidr> parse_cidrs(const std::vector<std::string>& texts) {
  std::vector<http::Cidr> cidrs;
  for (const std::string& text : texts) {
    if (const auto cidr = http::Cidr::parse(text)) cidrs.push_back(*cidr);
  }
  return cidrs;
}

}  // namespace

webhook::IdScheme Node::fresh_ids() {
  Random random;
  return {webhook::NodeKey{random.bytes<6>()}, random.bytes<16>()};
}

Node::Node(std::shared_ptr<const conf::Config> shared_config, unsigned worker_count,
           std::size_t max_connections, TlsContexts tls_contexts, keys::IssuerTable issuer_table)
    : config(std::move(shared_config)),
      tls(std::make_shared<const TlsContexts>(std::move(tls_contexts))),
      issuers(std::move(issuer_table)),
      workers(worker_count),
      name(node_name(*config)),
      ids(fresh_ids()),
      routes(*config),
      trusted_proxies(parse_cidrs(config->listen.public_.trusted_proxies)),
      admission(max_connections, config->listen.public_.handshakes_per_second),
      metrics(*config, worker_count) {}

}  // namespace sockhook
