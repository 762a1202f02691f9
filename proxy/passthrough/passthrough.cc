#include "proxy/passthrough/passthrough.h"

#include <algorithm>
#include <string>
#include <utility>

#include "protocol/http/target.h"
#include "proxy/passthrough/exchange.h"
#include "proxy/passthrough/translation.h"

namespace sockhook::passthrough {

Passthrough::Passthrough(net::Loop& loop, const conf::Passthrough& settings,
                         backend::BackendPool& pool, observe::WorkerMetrics& metrics,
                         uint64_t stall_ms)
    : loop_(loop), settings_(settings), pool_(pool), metrics_(metrics), stall_ms_(stall_ms) {}

Passthrough::~Passthrough() = default;

void Passthrough::start(http::ServerConnection& connection, http::RequestHead& head,
                        const http::Forwarded& client, http::PlainExchange*& place) {
  if (is_webhook(head.target)) return answer(connection, 404, "not found");
  if (is_draining_) return answer(connection, 503, "shutting down");
  if (waiting_ >= kMaxWaiting) return answer(connection, 503, "too many requests are waiting");
  prepare_request(head, client, pool_.backend());
  Exchange& exchange = exchanges_.emplace_front(*this, connection, std::move(head), place);
  exchange.self = exchanges_.begin();
  exchange.begin();
}

// The prefix, one for all URLs of a backend, goes in front as it will on the way there.
bool Passthrough::is_webhook(std::string_view target) const {
  const std::string& prefix = pool_.backend().urls.front().path_prefix;
  const std::string_view path = http::split_target(target).path;
  return std::binary_search(settings_.webhook_paths.begin(), settings_.webhook_paths.end(),
                            http::comparison_path(prefix + std::string(path)));
}

void Passthrough::on_ended(Exchange& exchange, observe::PassthroughResult result) {
  metrics_.passthrough[result].add(1);
  exchanges_.erase(exchange.self);
}

void answer(http::ServerConnection& connection, int status, std::string_view why) {
  http::Headers headers{{"Content-Type", "text/plain; charset=utf-8"}};
  if (status == 503) headers.add("Retry-After", "5");
  connection.respond(status, headers, std::string(why) + "\n");
}

}  // namespace sockhook::passthrough
