#include "protocol/webhook/selector_compiler.h"

#include <algorithm>
#include <utility>

namespace sockhook::webhook {

namespace {

constexpr std::string_view kBody = "request.body.";

bool is_path_character(char c) {
  constexpr std::string_view kReserved = "$\\{}[]()/\"'`,;*?";
  const auto byte = static_cast<unsigned char>(c);
  return byte > 0x20 && byte != 0x7F && kReserved.find(c) == std::string_view::npos;
}

}  // namespace

Result<RouteSelector, SelectorMistake> SelectorCompiler::compile() {
  if (expression_.empty()) {
    fail(0, "an empty expression; allowed is e.g. $request.body.action");
    return Failure{std::move(mistake_)};
  }
  while (at_ < expression_.size()) {
    const std::string_view rest = expression_.substr(at_);
    if (rest.starts_with("\\$")) {
      piece_.text += '$';
      at_ += 2;
    } else if (rest.front() != '$') {
      piece_.text += rest.front();
      ++at_;
    } else if (!(rest.starts_with("${") ? take_braced() : take_whole())) {
      return Failure{std::move(mistake_)};
    }
  }
  if (!piece_.text.empty()) selector_.pieces_.push_back(std::move(piece_));
  return std::move(selector_);
}

// $request.body.NAME: without braces nobody could say where the name ends.
bool SelectorCompiler::take_whole() {
  const bool is_whole =
      at_ == 0 && expression_.find('$', 1) == std::string_view::npos && expression_.size() > 1;
  if (!is_whole) {
    return fail(at_,
                "'$' beside other text; a variable is written ${request.body.NAME} there, "
                "a dollar sign \\$");
  }
  const std::size_t end = expression_.size();
  at_ = end;
  return add_variable(1, end);
}

bool SelectorCompiler::take_braced() {
  const std::size_t end = expression_.find('}', at_);
  if (end == std::string_view::npos) return fail(at_, "'${' without its '}'");
  const std::size_t begin = at_ + 2;
  at_ = end + 1;
  return add_variable(begin, end);
}

bool SelectorCompiler::add_variable(std::size_t begin, std::size_t end) {
  const std::string_view name = expression_.substr(begin, end - begin);
  if (!name.starts_with(kBody)) {
    return fail(begin,
                "an unknown variable; allowed is request.body.NAME, or a path of names "
                "with dots between them");
  }
  if (selector_.paths_.size() == RouteSelector::kMaxVariables) {
    return fail(begin, "too many variables; 16 are allowed");
  }
  RouteSelector::Path path;
  std::size_t segment = begin + kBody.size();
  while (true) {
    const std::size_t dot = std::min(expression_.find('.', segment), end);
    if (!add_segment(path, segment, dot)) return false;
    if (dot == end) break;
    segment = dot + 1;
  }
  piece_.variable = selector_.paths_.size();
  selector_.paths_.push_back(std::move(path));
  selector_.pieces_.push_back(std::exchange(piece_, {}));
  return true;
}

bool SelectorCompiler::add_segment(RouteSelector::Path& path, std::size_t begin, std::size_t end) {
  if (begin == end) return fail(begin, "an empty name in a path; allowed is request.body.a.b");
  for (std::size_t i = begin; i < end; ++i) {
    if (is_path_character(expression_[i])) continue;
    return fail(i,
                "a character that no path may have; allowed are names with dots between them, "
                "without spaces, quotes, slashes and brackets");
  }
  if (path.size() == RouteSelector::kMaxDepth) {
    return fail(begin, "a path of too many names; 64 are allowed");
  }
  path.emplace_back(expression_.substr(begin, end - begin));
  return true;
}

bool SelectorCompiler::fail(std::size_t position, std::string_view what) {
  mistake_ = {position, std::string(what)};
  return false;
}

}  // namespace sockhook::webhook
