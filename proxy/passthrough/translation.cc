#include "proxy/passthrough/translation.h"

#include <algorithm>
#include <array>

#include "protocol/http/header_rules.h"
#include "protocol/http/http_writer.h"

namespace sockhook::passthrough {
namespace {

constexpr auto kIdempotent =
    std::to_array<std::string_view>({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"});

// Other proxies' ways to name the client. CGI-like backends cannot tell `_` from `-`.
bool names_the_client(std::string_view name) {
  std::string plain = http::to_lower(name);
  std::replace(plain.begin(), plain.end(), '_', '-');
  return plain == "x-real-ip" || plain == "true-client-ip";
}

void add_via(http::Headers& headers, int minor_version) {
  std::string via;
  for (const std::string_view earlier : headers.find_all("Via")) {
    via.append(earlier).append(", ");
  }
  via.append("1.").append(std::to_string(minor_version)).append(" sockhook");
  headers.set("Via", via);
}

}  // namespace

void prepare_request(http::RequestHead& head, const http::Forwarded& client,
                     const conf::Backend& backend) {
  http::Headers& headers = head.headers;
  const bool awaits_continue = head.expects_continue && head.framing.has_body();
  http::remove_hop_by_hop(headers);
  headers.remove_if([&](const http::Header& field) {
    return http::is_reserved(field.name) || http::is_forwarded(field.name) ||
           http::equals_ignoring_case(field.name, "Content-Length") ||
           (!awaits_continue && http::equals_ignoring_case(field.name, "Expect"));
  });
  const std::string address = client.client.to_string();
  for (http::Header& field : headers) {
    if (names_the_client(field.name)) field.value = address;
  }
  add_via(headers, head.minor_version);
  headers.set("X-Forwarded-For", address);
  headers.set("X-Forwarded-Proto", client.proto);
  if (!client.host.empty()) headers.set("X-Forwarded-Host", client.host);
  for (const conf::Header& added : backend.headers) headers.set(added.name, added.value);
}

std::string request_head(const http::RequestHead& prepared, const conf::BackendUrl& url) {
  using Kind = http::BodyFraming::Kind;
  std::string head;
  head.reserve(1024);
  const bool has_path = prepared.target.starts_with('/');
  http::write_request_line(head, prepared.method,
                           has_path ? url.path_prefix + prepared.target : prepared.target);
  // HTTP/1.0 clients may leave it out.
  if (!prepared.headers.contains("Host")) http::write_header(head, "Host", url.authority);
  http::write_headers(head, prepared.headers);
  if (prepared.framing.kind == Kind::kLength) {
    http::write_header(head, "Content-Length", prepared.framing.length);
  } else if (prepared.framing.kind == Kind::kChunked) {
    http::write_header(head, "Transfer-Encoding", "chunked");
  }
  http::end_head(head);
  return head;
}

void prepare_answer(http::Headers& headers) { http::remove_hop_by_hop(headers); }

void prepare_informational(http::Headers& headers) {
  http::remove_hop_by_hop(headers);
  headers.remove("Content-Length");
}

bool is_idempotent(std::string_view method) {
  return std::find(kIdempotent.begin(), kIdempotent.end(), method) != kIdempotent.end();
}

}  // namespace sockhook::passthrough
