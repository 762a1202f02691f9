// Request targets in origin-form: path, query, and the forms in which paths are compared.

#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sockhook::http {

struct Target {
  std::string_view path;
  std::string_view query;  // without '?'
  bool has_query = false;
};

// Views into `target`.
Target split_target(std::string_view target);

// The decoded path by which endpoints are matched (contract 2, `path`), or nullopt where two
// readers could take it for different paths: not beginning with '/', a `.` or `..` segment, `//`,
// an encoded slash, NUL or a malformed escape. That request is answered 400.
std::optional<std::string> plain_path(std::string_view path);

// The form in which passthrough compares a path with the webhook routes of a backend (contract
// 4.5): the most generous reading that any backend might have. Decoded (repeatedly), backslashes
// as slashes, cut at NUL, without `;parameters`, `.` and `..` resolved, without empty segments and
// a trailing slash, in lower case. Two paths that some backend may take for one have one form.
std::string comparison_path(std::string_view path);

// "/prefix/" and "/path" joined with exactly one slash.
std::string join_paths(std::string_view prefix, std::string_view path);

// Walks over the parameters of a query, undecoded:
//   for (QueryCursor cursor(query); auto parameter = cursor.next();) ...
struct QueryParameter {
  std::string_view name;
  std::string_view value;  // empty also where there is no '='
};
class QueryCursor {
 public:
  explicit QueryCursor(std::string_view query) : rest_(query) {}
  std::optional<QueryParameter> next();

 private:
  std::string_view rest_;
};

// The decoded value of the first parameter of that (decoded) name; nullopt where there is none or
// its escapes are malformed.
std::optional<std::string> query_parameter(std::string_view query, std::string_view name);

}  // namespace sockhook::http
