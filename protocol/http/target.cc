#include "protocol/http/target.h"

#include <algorithm>
#include <vector>

#include "protocol/http/http_message.h"
#include "protocol/http/percent.h"

namespace sockhook::http {

namespace {

// A client may have encoded a path several times in the hope that some layer decodes as often.
constexpr int kMaxDecodings = 8;

// Calls `take(segment)` for what stands between the slashes of `path`, which begins with one.
template <typename Take>
void for_each_segment(std::string_view path, Take take) {
  path.remove_prefix(1);
  while (true) {
    const std::size_t slash = path.find('/');
    take(path.substr(0, slash));
    if (slash == std::string_view::npos) return;
    path.remove_prefix(slash + 1);
  }
}

std::string decode_repeatedly(std::string_view path) {
  std::string decoded(path);
  for (int i = 0; i < kMaxDecodings; ++i) {
    std::string next = percent_decode_leniently(decoded);
    if (next == decoded) break;
    decoded = std::move(next);
  }
  return decoded;
}

}  // namespace

Target split_target(std::string_view target) {
  const std::size_t mark = target.find('?');
  if (mark == std::string_view::npos) return {target, {}, false};
  return {target.substr(0, mark), target.substr(mark + 1), true};
}

std::optional<std::string> plain_path(std::string_view path) {
  if (!path.starts_with('/')) return std::nullopt;
  // Slashes are counted on both sides: one more after decoding was an encoded one.
  std::optional<std::string> decoded = percent_decode(path);
  if (!decoded || decoded->find('\0') != std::string::npos) return std::nullopt;
  if (std::count(path.begin(), path.end(), '/') !=
      std::count(decoded->begin(), decoded->end(), '/')) {
    return std::nullopt;
  }
  if (decoded->find("//") != std::string::npos) return std::nullopt;
  bool plain = true;
  for_each_segment(*decoded, [&](std::string_view segment) {
    if (segment == "." || segment == "..") plain = false;
  });
  if (!plain) return std::nullopt;
  return decoded;
}

std::string comparison_path(std::string_view path) {
  std::string decoded = decode_repeatedly(path);
  decoded.resize(std::min(decoded.find('\0'), decoded.size()));
  std::replace(decoded.begin(), decoded.end(), '\\', '/');
  if (!decoded.starts_with('/')) decoded.insert(decoded.begin(), '/');

  std::vector<std::string_view> segments;
  for_each_segment(decoded, [&](std::string_view segment) {
    segment = segment.substr(0, segment.find(';'));
    if (segment == "..") {
      if (!segments.empty()) segments.pop_back();
    } else if (!segment.empty() && segment != ".") {
      segments.push_back(segment);
    }
  });

  std::string form;
  for (const std::string_view segment : segments) {
    form += '/';
    form += to_lower(segment);
  }
  return form.empty() ? "/" : form;
}

std::string join_paths(std::string_view prefix, std::string_view path) {
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  std::string joined(prefix);
  if (!path.starts_with('/')) joined += '/';
  joined += path;
  return joined;
}

std::optional<QueryParameter> QueryCursor::next() {
  while (!rest_.empty()) {
    const std::size_t end = rest_.find('&');
    const std::string_view parameter = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    if (parameter.empty()) continue;
    const std::size_t equals = parameter.find('=');
    if (equals == std::string_view::npos) return QueryParameter{parameter, {}};
    return QueryParameter{parameter.substr(0, equals), parameter.substr(equals + 1)};
  }
  return std::nullopt;
}

std::optional<std::string> query_parameter(std::string_view query, std::string_view name) {
  QueryCursor cursor(query);
  while (const auto parameter = cursor.next()) {
    if (decode_query_component(parameter->name) == name) {
      return decode_query_component(parameter->value);
    }
  }
  return std::nullopt;
}

}  // namespace sockhook::http
