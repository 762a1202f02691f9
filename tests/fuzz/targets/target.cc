// Request targets: paths as endpoints match them and as passthrough compares them, queries,
// percent-encoding.
//
// Checked: encoding and decoding are each other's inverse; a plain path has nothing that two
// readers could take differently; what comparison_path gives is its own comparison path, and does
// not depend on letters' case, doubled slashes or a slash at the end.

#include "protocol/http/target.h"

#include <cstdint>
#include <string>

#include "protocol/base/check.h"
#include "protocol/http/http_message.h"
#include "protocol/http/percent.h"

namespace {

using namespace sockhook::http;

void check_percent(std::string_view text) {
  SOCKHOOK_CHECK(percent_decode(percent_encode(text)) == text);
  SOCKHOOK_CHECK(percent_decode(cloudevents_value(text)) == text);
  SOCKHOOK_CHECK(decode_query_component(percent_encode(text)) == text);
  if (const auto decoded = percent_decode(text)) {
    SOCKHOOK_CHECK(*decoded == percent_decode_leniently(text));
  }
}

void check_plain(std::string_view path) {
  const auto plain = plain_path(path);
  if (!plain) return;
  SOCKHOOK_CHECK(plain->starts_with('/'));
  SOCKHOOK_CHECK(plain->find("//") == plain->npos);
  SOCKHOOK_CHECK(plain->find('\0') == plain->npos);
  const std::string framed = *plain + "/";
  SOCKHOOK_CHECK(framed.find("/./") == plain->npos && framed.find("/../") == plain->npos);
}

void check_comparison(std::string_view path) {
  const std::string form = comparison_path(path);
  SOCKHOOK_CHECK(comparison_path(form) == form);
  SOCKHOOK_CHECK(comparison_path(to_lower(path)) == form);
  SOCKHOOK_CHECK(form == to_lower(form));
  SOCKHOOK_CHECK(form.find("//") == form.npos && form.find('\\') == form.npos);
  if (path.find_first_of("%;\\") != path.npos || path.find('\0') != path.npos) return;
  std::string doubled;
  for (const char c : path) doubled.append(c == '/' ? 2 : 1, c);
  SOCKHOOK_CHECK(comparison_path(doubled + "/") == comparison_path(std::string(path) + "/"));
}

void check_query(std::string_view query) {
  std::size_t bytes = 0;
  QueryCursor cursor(query);
  while (const auto parameter = cursor.next()) {
    bytes += parameter->name.size() + parameter->value.size();
    const auto name = decode_query_component(parameter->name);
    if (name && !name->empty() && decode_query_component(parameter->value)) {
      // Another one of that name, with a broken value, may stand in front.
      query_parameter(query, *name);
    }
  }
  SOCKHOOK_CHECK(bytes <= query.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Target target = split_target(text);
  SOCKHOOK_CHECK(target.path.size() + target.query.size() + (target.has_query ? 1 : 0) == size);
  check_percent(text);
  check_plain(target.path);
  check_comparison(target.path);
  check_query(target.query);
  SOCKHOOK_CHECK(join_paths("/prefix/", target.path).starts_with("/prefix/"));
  return 0;
}
