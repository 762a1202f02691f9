#include "proxy/management/admin_api.h"

#include <cstdio>
#include <functional>
#include <string_view>

#include "protocol/http/target.h"
#include "proxy/management/api_error.h"
#include "proxy/observe/metrics_text.h"

namespace sockhook::management {

struct AdminApi::Page {
  std::string_view path;
  Answer (AdminApi::*show)() const;
  Answer (AdminApi::*change)();  // by POST; null: it only shows
};

AdminApi::AdminApi(NodeStatus& node, const std::optional<std::string>& token) : node_(node) {
  if (token) token_.emplace(*token);
}

const AdminApi::Page* AdminApi::find_page(const http::RequestHead& head) {
  static constexpr Page kPages[] = {{"/healthz", &AdminApi::healthz, nullptr},
                                    {"/readyz", &AdminApi::readyz, nullptr},
                                    {"/metrics", &AdminApi::metrics, nullptr},
                                    {"/drain", &AdminApi::drain, &AdminApi::begin_drain}};
  const std::string_view path = http::split_target(head.target).path;
  for (const Page& page : kPages) {
    if (page.path == path) return &page;
  }
  return nullptr;
}

std::optional<Answer> AdminApi::refuse(const http::RequestHead& head) {
  const Page* page = find_page(head);
  if (page == nullptr) return to_answer({ErrorCode::kNotFound, {}}, Dialect::kSockhook);
  if (head.method == "GET" || head.method == "HEAD") return {};
  if (head.method == "POST" && page->change != nullptr) return refuse_change(head);
  Answer answer = to_answer({ErrorCode::kMethodNotAllowed, {}}, Dialect::kSockhook);
  answer.headers.add("Allow", page->change != nullptr ? "GET, HEAD, POST" : "GET, HEAD");
  return answer;
}

std::optional<Answer> AdminApi::refuse_change(const http::RequestHead& head) const {
  if (!token_) {
    return to_answer(
        {ErrorCode::kForbidden, "nothing can be changed here: no listen.admin.token is configured"},
        Dialect::kSockhook);
  }
  const auto shown = BearerToken::shown_in(head.headers);
  if (shown && shown->equals(*token_)) return {};
  return to_answer({shown ? ErrorCode::kInvalidToken : ErrorCode::kMissingToken, {}},
                   Dialect::kSockhook);
}

// A body says nothing here, whatever its length.
Started AdminApi::handle(const http::RequestHead& head, std::string, bool, CallListener*) {
  const Page* page = find_page(head);
  return {0,
          head.method == "POST" ? std::invoke(page->change, this) : std::invoke(page->show, this)};
}

Answer AdminApi::healthz() const {
  constexpr std::string_view kPlain = "text/plain; charset=utf-8";
  if (node_.loops_turn()) return {200, "ok\n", kPlain};
  return {503, "an event loop hangs\n", kPlain};
}

Answer AdminApi::readyz() const {
  constexpr std::string_view kStates[] = {"none", "up", "down"};
  const auto text = [](bool value) { return value ? "true" : "false"; };
  const Readiness now = node_.readiness();
  char memory[16] = "null";
  if (now.memory) std::snprintf(memory, sizeof(memory), "%.3f", *now.memory);
  Answer answer{now.is_ready ? 200 : 503, {}};
  answer.body.append("{\"ready\":").append(text(now.is_ready));
  answer.body.append(",\"draining\":").append(text(now.is_draining));
  answer.body.append(",\"backplane\":\"").append(kStates[static_cast<int>(now.backplane)]);
  answer.body.append("\",\"memory\":").append(memory).append("}");
  return answer;
}

Answer AdminApi::metrics() const {
  return {200, node_.metrics_text(), observe::kMetricsContentType};
}

Answer AdminApi::drain() const {
  constexpr std::string_view kPhases[] = {"serving", "waiting", "closing", "giving_up", "drained"};
  const DrainProgress now = node_.drain_progress();
  Answer answer;
  answer.body.append("{\"phase\":\"").append(kPhases[static_cast<int>(now.phase)]);
  answer.body.append("\",\"connections\":").append(std::to_string(now.connections));
  answer.body.append(",\"disconnects\":").append(std::to_string(now.disconnects)).append("}");
  return answer;
}

Answer AdminApi::begin_drain() {
  node_.request_drain();
  Answer answer = drain();
  answer.status = 202;
  return answer;
}

}  // namespace sockhook::management
