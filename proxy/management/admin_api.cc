#include "proxy/management/admin_api.h"

#include <cstdio>
#include <string_view>

#include "protocol/http/target.h"
#include "proxy/management/api_error.h"
#include "proxy/observe/metrics_text.h"

namespace sockhook::management {

struct AdminApi::Page {
  std::string_view path;
  Answer (AdminApi::*show)() const;
};

const AdminApi::Page* AdminApi::find_page(const http::RequestHead& head) {
  static constexpr Page kPages[] = {{"/healthz", &AdminApi::healthz},
                                    {"/readyz", &AdminApi::readyz},
                                    {"/metrics", &AdminApi::metrics}};
  const std::string_view path = http::split_target(head.target).path;
  for (const Page& page : kPages) {
    if (page.path == path) return &page;
  }
  return nullptr;
}

std::optional<Answer> AdminApi::refuse(const http::RequestHead& head) {
  if (find_page(head) == nullptr) return to_answer({ErrorCode::kNotFound, {}}, Dialect::kSockhook);
  if (head.method == "GET" || head.method == "HEAD") return {};
  Answer answer = to_answer({ErrorCode::kMethodNotAllowed, {}}, Dialect::kSockhook);
  answer.headers.add("Allow", "GET, HEAD");
  return answer;
}

Started AdminApi::handle(const http::RequestHead& head, std::string, bool, CallListener*) {
  return {0, (this->*find_page(head)->show)()};
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

}  // namespace sockhook::management
