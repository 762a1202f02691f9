#include "protocol/webhook/route_selector.h"

#include <array>
#include <cstdint>

#include "protocol/webhook/json_reader.h"
#include "protocol/webhook/selector_compiler.h"

namespace sockhook::webhook {

namespace {

// What a variable's path has led to. The last of several equal keys counts.
struct Found {
  enum class Kind : std::uint8_t {
    kMissing,
    kText,
    kUnusable,  // an array, an object, null, or a string that is no text
  };
  Kind kind = Kind::kMissing;
  std::string_view text;
};

}  // namespace

struct MessageParser::Impl {
  std::array<std::string, RouteSelector::kMaxVariables> unescaped;  // values that had escapes
  std::string unescaped_name;
  std::string key;  // a composition
};

namespace {

// Visits every value of a text, since the whole must be JSON; keeps those that the paths lead to.
// Each function is false when the text is no JSON.
class Walk {
 public:
  using Path = std::vector<std::string>;

  Walk(std::string_view text, const std::vector<Path>& paths, MessageParser::Impl& memory)
      : reader_(text), paths_(paths), memory_(memory) {}

  bool document() {
    const Visit root{static_cast<std::uint32_t>((std::uint64_t{1} << paths_.size()) - 1), 0};
    return value(root) && reader_.is_at_end();
  }

  const Found& found(std::size_t variable) const { return found_[variable]; }

 private:
  // The variables whose paths have led here, one bit for each; and how deep it lies.
  struct Visit {
    std::uint32_t variables = 0;
    std::size_t depth = 0;
  };
  static_assert(RouteSelector::kMaxVariables <= 32);

  template <typename Action>
  static void for_each(std::uint32_t variables, Action action) {
    for (std::size_t i = 0; variables != 0; ++i, variables >>= 1U) {
      if ((variables & 1U) != 0) action(i);
    }
  }

  bool value(Visit visit) {
    switch (reader_.peek()) {
      case '{':
        keep(visit, {Found::Kind::kUnusable, {}});
        return object(visit);
      case '[':
        keep(visit, {Found::Kind::kUnusable, {}});
        return array(visit);
      case '"':
        return string(visit);
      case 't':
        return word(visit, "true", Found::Kind::kText);
      case 'f':
        return word(visit, "false", Found::Kind::kText);
      case 'n':
        return word(visit, "null", Found::Kind::kUnusable);
      default:
        const auto number = reader_.take_number();
        if (number) keep(visit, {Found::Kind::kText, *number});
        return number.has_value();
    }
  }

  bool object(Visit visit) {
    if (visit.depth == RouteSelector::kMaxDepth) return false;
    reader_.take('{');
    if (reader_.take('}')) return true;
    do {
      const auto name = reader_.take_string();
      if (!name || !reader_.take(':')) return false;
      const Visit member{variables_of(*name, visit), visit.depth + 1};
      for_each(member.variables, [&](std::size_t i) { found_[i] = {}; });
      if (!value(member)) return false;
    } while (reader_.take(','));
    return reader_.take('}');
  }

  // No path leads through an array.
  bool array(Visit visit) {
    if (visit.depth == RouteSelector::kMaxDepth) return false;
    reader_.take('[');
    if (reader_.take(']')) return true;
    do {
      if (!value({0, visit.depth + 1})) return false;
    } while (reader_.take(','));
    return reader_.take(']');
  }

  bool string(Visit visit) {
    const auto string = reader_.take_string();
    if (!string) return false;
    for_each(last_of(visit), [&](std::size_t i) {
      found_[i] = {Found::Kind::kText, string->raw};
      if (!string->has_escapes) return;
      std::string& text = memory_.unescaped[i];
      text.clear();
      const bool is_text = append_unescaped(text, string->raw);
      found_[i] = {is_text ? Found::Kind::kText : Found::Kind::kUnusable, text};
    });
    return true;
  }

  bool word(Visit visit, std::string_view word, Found::Kind kind) {
    keep(visit, {kind, word});
    return reader_.take_word(word);
  }

  // The variables of `object` whose next name is this one.
  std::uint32_t variables_of(const JsonReader::String& string, Visit object) {
    if (object.variables == 0) return 0;
    std::string_view name = string.raw;
    if (string.has_escapes) {
      memory_.unescaped_name.clear();
      // No path has a name that is no text.
      if (!append_unescaped(memory_.unescaped_name, name)) return 0;
      name = memory_.unescaped_name;
    }
    std::uint32_t variables = 0;
    for_each(object.variables, [&](std::size_t i) {
      const Path& path = paths_[i];
      if (path.size() > object.depth && path[object.depth] == name) variables |= 1U << i;
    });
    return variables;
  }

  // The variables whose path ends here.
  std::uint32_t last_of(Visit visit) const {
    std::uint32_t last = 0;
    for_each(visit.variables, [&](std::size_t i) {
      if (paths_[i].size() == visit.depth) last |= 1U << i;
    });
    return last;
  }

  void keep(Visit visit, const Found& found) {
    for_each(last_of(visit), [&](std::size_t i) { found_[i] = found; });
  }

  JsonReader reader_;
  const std::vector<Path>& paths_;
  MessageParser::Impl& memory_;
  std::array<Found, RouteSelector::kMaxVariables> found_{};
};

}  // namespace

MessageParser::MessageParser() : impl_(std::make_unique<Impl>()) {}
MessageParser::~MessageParser() = default;

Result<RouteSelector, SelectorMistake> RouteSelector::compile(std::string_view expression) {
  return SelectorCompiler(expression).compile();
}

Selection RouteSelector::select(std::string_view text, MessageParser& parser) const {
  Walk walk(text, paths_, *parser.impl_);
  if (!walk.document()) return {};
  Selection selection{.key = std::nullopt, .is_json = true};
  std::string& composed = parser.impl_->key;
  composed.clear();
  std::string_view key;
  for (const Piece& piece : pieces_) {
    const Found found = piece.variable ? walk.found(*piece.variable) : Found{};
    if (found.kind == Found::Kind::kUnusable) return selection;
    const bool is_alone = pieces_.size() == 1 && piece.text.empty();
    if (!is_alone) composed.append(piece.text).append(found.text);
    key = is_alone ? found.text : std::string_view(composed);
  }
  if (!key.empty() && !key.starts_with('$')) selection.key = key;
  return selection;
}

}  // namespace sockhook::webhook
