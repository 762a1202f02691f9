#include "proxy/management/operations.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "protocol/http/percent.h"

namespace sockhook::management {
namespace {

using push::Close;
using push::CountGroup;
using push::Describe;
using push::Everyone;
using push::FindUser;
using push::GroupMembers;
using push::List;
using push::Membership;
using push::OneConnection;
using push::Send;
using push::Target;
using push::UserConnections;

// Members of an initialiser list are evaluated in their order, so the first mistake is the
// left-most one.

Command send_to_connection(CallInput& in) {
  return {Send{OneConnection{in.connection_id()}, in.frame(), in.payload_bytes(), nullptr},
          {},
          in.is_awaited()};
}

Command fan_out(CallInput& in, Target target) {
  return {
      Send{std::move(target), in.frame(), in.payload_bytes(), in.excluded()}, {}, in.is_awaited()};
}
Command send_to_group(CallInput& in) { return fan_out(in, GroupMembers{in.name(0)}); }
Command send_to_user(CallInput& in) { return fan_out(in, UserConnections{in.name(0)}); }
Command broadcast(CallInput& in) { return fan_out(in, Everyone{in.endpoint()}); }

Command describe(CallInput& in) { return {Describe{in.connection_id()}, {}}; }

Command close_connection(CallInput& in) {
  return {Close{OneConnection{in.connection_id()}, in.close_code(), in.close_reason()}, {}};
}
Command close_user(CallInput& in) {
  return {Close{UserConnections{in.name(0)}, in.close_code(), in.close_reason()}, {}};
}

Command list_all(CallInput& in) {
  return {List{in.endpoint(), in.name_filter("user"), in.name_filter("group"), 0, in.limit()},
          in.cursor()};
}
Command list_group(CallInput& in) { return {List{{}, {}, in.name(0), 0, in.limit()}, in.cursor()}; }

template <bool kJoins>
Command change_connection(CallInput& in) {
  return {Membership{OneConnection{in.connection_id()}, in.name(0), kJoins}, {}};
}
template <bool kJoins>
Command change_user(CallInput& in) {
  return {Membership{UserConnections{in.name(1)}, in.name(0), kJoins}, {}};
}

Command count_group(CallInput& in) { return {CountGroup{in.name(0)}, {}}; }
Command find_user(CallInput& in) { return {FindUser{in.name(0)}, {}}; }

// A13: no parameters at all, and the frame is what the bytes are.
Command aws_post(CallInput& in) {
  return {Send{OneConnection{in.connection_id()}, in.frame(), in.payload_bytes(), nullptr}, {}};
}
Command aws_delete(CallInput& in) {
  return {Close{OneConnection{in.connection_id()}, 1000, {}}, {}};
}

constexpr auto kSend = OperationKind::kSend;
constexpr auto kCommand = OperationKind::kCommand;
constexpr auto kListing = OperationKind::kListing;
constexpr auto kOwn = Dialect::kSockhook;
constexpr auto kAws = Dialect::kApiGateway;

constexpr Operation kOperations[] = {
    {"POST", "/v1/connections/{id}/messages", kSend, Access::kSend, kOwn, send_to_connection,
     answer_sent},
    {"GET", "/v1/connections/{id}", kCommand, Access::kRead, kOwn, describe, answer_connection},
    {"DELETE", "/v1/connections/{id}", kCommand, Access::kManage, kOwn, close_connection,
     answer_changed},
    {"GET", "/v1/connections", kListing, Access::kRead, kOwn, list_all, answer_list},
    {"POST", "/v1/groups/{group}/messages", kSend, Access::kSend, kOwn, send_to_group,
     answer_fan_out},
    {"PUT", "/v1/groups/{group}/connections/{id}", kCommand, Access::kManage, kOwn,
     change_connection<true>, answer_changed},
    {"DELETE", "/v1/groups/{group}/connections/{id}", kCommand, Access::kManage, kOwn,
     change_connection<false>, answer_changed},
    {"PUT", "/v1/groups/{group}/users/{user}", kCommand, Access::kManage, kOwn, change_user<true>,
     answer_changed},
    {"DELETE", "/v1/groups/{group}/users/{user}", kCommand, Access::kManage, kOwn,
     change_user<false>, answer_changed},
    {"GET", "/v1/groups/{group}", kCommand, Access::kRead, kOwn, count_group, answer_group},
    {"GET", "/v1/groups/{group}/connections", kListing, Access::kRead, kOwn, list_group,
     answer_list},
    {"POST", "/v1/users/{user}/messages", kSend, Access::kSend, kOwn, send_to_user, answer_fan_out},
    {"GET", "/v1/users/{user}", kListing, Access::kRead, kOwn, find_user, answer_user},
    {"DELETE", "/v1/users/{user}/connections", kCommand, Access::kManage, kOwn, close_user,
     answer_changed},
    {"POST", "/v1/messages", kSend, Access::kSend, kOwn, broadcast, answer_fan_out},
    {"POST", "/v1/batch", OperationKind::kBatch, Access::kAny, kOwn, nullptr, nullptr},
    {"GET", "/v1/openapi.json", OperationKind::kOpenApi, Access::kOpen, kOwn, nullptr, nullptr},
    {"POST", "/@connections/{id}", kSend, Access::kSend, kAws, aws_post, answer_aws_sent},
    {"GET", "/@connections/{id}", kCommand, Access::kRead, kAws, describe, answer_aws_connection},
    {"DELETE", "/@connections/{id}", kCommand, Access::kManage, kAws, aws_delete, answer_changed},
    {"POST", "/{stage}/@connections/{id}", kSend, Access::kSend, kAws, aws_post, answer_aws_sent},
    {"GET", "/{stage}/@connections/{id}", kCommand, Access::kRead, kAws, describe,
     answer_aws_connection},
    {"DELETE", "/{stage}/@connections/{id}", kCommand, Access::kManage, kAws, aws_delete,
     answer_changed},
};

// Takes the text up to the next slash off the front of `rest`.
std::string_view next_segment(std::string_view& rest) {
  const std::size_t slash = rest.find('/');
  const std::string_view segment = rest.substr(0, slash);
  rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
  return segment;
}

// The path's parameters when it fits the pattern.
std::optional<std::vector<std::string>> fit(std::string_view pattern, const ApiPath& path) {
  std::vector<std::string> parameters;
  std::string_view rest = pattern.substr(1);
  for (const std::string& segment : path.segments) {
    const std::string_view expected = next_segment(rest);
    if (expected.starts_with('{')) {
      parameters.push_back(segment);
    } else if (expected != segment) {
      return {};
    }
  }
  return parameters;
}

std::size_t segments_of(std::string_view pattern) {
  return static_cast<std::size_t>(std::count(pattern.begin(), pattern.end(), '/'));
}

}  // namespace

std::span<const Operation> operations() { return kOperations; }

ApiPath ApiPath::parse(std::string_view raw) {
  ApiPath path;
  if (!raw.starts_with('/')) return {{}, true};
  std::size_t begin = 1;
  while (true) {
    const std::size_t slash = raw.find('/', begin);
    const bool is_last = slash == std::string_view::npos;
    const auto decoded =
        http::percent_decode(raw.substr(begin, is_last ? std::string_view::npos : slash - begin));
    if (!decoded) path.is_malformed = true;
    path.segments.push_back(decoded.value_or(""));
    if (is_last) return path;
    begin = slash + 1;
  }
}

Dialect ApiPath::dialect() const {
  const auto is_aws = [this](std::size_t i) {
    return i < segments.size() && segments[i] == "@connections";
  };
  return is_aws(0) || is_aws(1) ? Dialect::kApiGateway : Dialect::kSockhook;
}

Match find_operation(std::string_view method, const ApiPath& path) {
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  Match match;
  for (const Operation& operation : kOperations) {
    if (segments_of(operation.pattern) != path.segments.size()) continue;
    auto parameters = fit(operation.pattern, path);
    if (!parameters) continue;
    if (operation.method == wanted) return {&operation, std::move(*parameters), {}};
    if (!match.allowed_methods.empty()) match.allowed_methods += ", ";
    match.allowed_methods += operation.method;
    if (operation.method == "GET") match.allowed_methods += ", HEAD";
  }
  return match;
}

}  // namespace sockhook::management
