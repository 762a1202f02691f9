#include "proxy/observe/metric_family.h"

#include <array>

namespace sockhook::observe {
namespace {

constexpr std::array<MetricFamily, kFamilyCount> kFamilies = {{
    {"sockhook_connections", "gauge", "endpoint", "Open WebSocket connections."},
    {"sockhook_handshakes_total", "counter", "endpoint, result",
     "Handshakes by how they ended; the endpoint is empty where none matched."},
    {"sockhook_closes_total", "counter", "endpoint, code, by",
     "Ended connections by close code and by who closed: client, backend or proxy."},
    {"sockhook_messages_total", "counter", "endpoint, direction",
     "Messages from (in) and to (out) clients."},
    {"sockhook_message_bytes_total", "counter", "endpoint, direction",
     "Payload bytes of these messages."},
    {"sockhook_webhook_duration_seconds", "histogram", "endpoint, route, phase",
     "Time of webhooks: queue until a backend connection was free, connect for a new one, backend "
     "from the request to the end of the answer."},
    {"sockhook_webhooks_total", "counter", "endpoint, route, result", "Webhooks by their result."},
    {"sockhook_webhook_batches_total", "counter", "endpoint, route",
     "Requests that carried a batch of webhooks."},
    {"sockhook_webhooks_in_flight", "gauge", "", "Webhooks that a backend is working on."},
    {"sockhook_webhooks_queued", "gauge", "", "Webhooks that wait for a backend connection."},
    {"sockhook_webhook_retries_total", "counter", "", "Requests to backends that were repeated."},
    {"sockhook_backend_breaker_state", "gauge", "backend",
     "Circuit breaker of a backend that has one: 0 closed, 1 half-open, 2 open."},
    {"sockhook_backend_breaker_openings_total", "counter", "backend",
     "Times that it has opened, after a failed probe too."},
    {"sockhook_pushes_total", "counter", "target, result, path",
     "Sends of the management API: one for a connection, one for each member that a group, a user "
     "or a broadcast reached or missed."},
    {"sockhook_disconnect_backlog", "gauge", "", "Disconnect webhooks that wait for a retry."},
    {"sockhook_slow_clients_total", "counter", "",
     "Messages that did not fit the queue of their client."},
    {"sockhook_ignored_effects_total", "counter", "",
     "Malformed effect headers in answers of backends."},
    {"sockhook_passthrough_requests_total", "counter", "result",
     "Plain HTTP requests by how they ended."},
    {"sockhook_management_requests_total", "counter", "status",
     "Requests to the management API by the first digit of the status."},
    {"sockhook_operations_total", "counter", "result",
     "Operations from the stream by what became of them."},
    {"sockhook_operations_waiting", "gauge", "",
     "Entries in the stream of operations; 0 on nodes that do not read it."},
    {"sockhook_operations_lag_seconds", "gauge", "",
     "Age of the oldest operation from the stream that is under way."},
    {"sockhook_backplane_up", "gauge", "", "1 while the backplane answers; always with memory."},
    {"sockhook_backplane_loop_seconds", "gauge", "",
     "Time that the last message to this node itself took through the backplane."},
    {"sockhook_nodes", "gauge", "", "Known nodes, this one included."},
    {"sockhook_loop_lag_seconds", "gauge", "loop", "How late the last timer of an event loop was."},
    {"sockhook_log_lines_dropped_total", "counter", "",
     "Log lines lost because standard output was too slow."},
    {"sockhook_config_reloads_total", "counter", "result", "Reloads of the configuration."},
    {"sockhook_key_reads_total", "counter", "source, result",
     "Times that a jwks_file or jwks_url was read: ok, or failed and the last good set stays."},
    {"sockhook_keys", "gauge", "source", "Keys of the set in use; 0: none could be read so far."},
    {"sockhook_keys_age_seconds", "gauge", "source",
     "Time since that set was read; while there is none, since the node started."},
    {"sockhook_build_info", "gauge", "version", "Always 1."},
}};

}  // namespace

std::span<const MetricFamily> metric_families() { return kFamilies; }

}  // namespace sockhook::observe
