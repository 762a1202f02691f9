#include "conf/reader/cursor.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <numeric>
#include <tuple>

namespace sockhook::conf {
namespace {

using Kind = yaml::TreeNode::Kind;

constexpr std::size_t kMaxQuoted = 60;

std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::kNull:
      return "empty";
    case Kind::kText:
      return "a single value";
    case Kind::kList:
      return "a list";
    case Kind::kMap:
      return "a map";
  }
  return "";
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

// "endpoints[].limits.idle_timeout" for the word "idle_timeout", or "" when no key, or more than
// one, has that name.
std::string find_elsewhere(std::string_view word) {
  std::string found;
  static const std::vector<std::string> kKeys = known_keys();
  for (const std::string& path : kKeys) {
    const std::size_t dot = path.rfind('.');
    const std::string_view name = std::string_view(path).substr(dot + 1);
    if (name != word) continue;
    if (!found.empty()) return "";
    found = path;
  }
  return found;
}

}  // namespace

std::string child_path(const std::string& path, std::string_view key) {
  const bool is_plain = !key.empty() && std::all_of(key.begin(), key.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '$' || c == '/' || c == '<';
  });
  const std::string name = is_plain && key.size() <= kMaxQuoted ? std::string(key) : quote(key);
  return path.empty() ? name : path + "." + name;
}

std::string item_path(const std::string& path, std::size_t index) {
  return path + "[" + std::to_string(index) + "]";
}

std::string quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text.substr(0, kMaxQuoted)) {
    if (static_cast<unsigned char>(c) < 0x20 || c == '\x7F') {
      std::array<char, 8> escape{};
      std::snprintf(escape.data(), escape.size(), "\\x%02X", static_cast<unsigned char>(c));
      out += escape.data();
    } else {
      out += c;
    }
  }
  return out + (text.size() > kMaxQuoted ? "...\"" : "\"");
}

std::string suggest(std::string_view word, const std::vector<std::string>& words) {
  if (word.size() > kMaxQuoted) return "";
  const std::string* nearest = nullptr;
  std::size_t least = 0;
  for (const std::string& candidate : words) {
    const std::size_t distance = edit_distance(word, candidate);
    if (nearest == nullptr || distance < least) {
      nearest = &candidate;
      least = distance;
    }
  }
  if (nearest == nullptr || least > std::max<std::size_t>(1, word.size() / 3)) return "";
  return " (did you mean " + quote(*nearest) + "?)";
}

std::string join(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

// --- Reading -------------------------------------------------------------------------------------

void Reading::mistake(Position at, std::string path, std::string what) {
  if (is_recording_) return;
  mistakes_.push_back({file_, at, std::move(path), std::move(what)});
}

void Reading::note_key(const std::string& path, std::optional<Position> at) {
  if (is_recording_ && std::find(keys_.begin(), keys_.end(), path) == keys_.end()) {
    keys_.push_back(path);
  }
  if (at) places_.emplace(path, *at);
}

Position Reading::place_of(const std::string& path) const {
  for (std::string_view rest = path; !rest.empty();) {
    const auto place = places_.find(rest);
    if (place != places_.end()) return place->second;
    const std::size_t end = rest.find_last_of(".[");
    rest = rest.substr(0, end == std::string_view::npos ? 0 : end);
  }
  return {};
}

Mistakes Reading::take_mistakes() {
  std::sort(mistakes_.begin(), mistakes_.end(), [](const Mistake& a, const Mistake& b) {
    return std::tie(a.at, a.path, a.what) < std::tie(b.at, b.path, b.what);
  });
  return std::move(mistakes_);
}

// --- Cursor --------------------------------------------------------------------------------------

bool Cursor::is_given() const {
  if (reading_.is_recording()) return true;
  return node_ != nullptr && (node_->kind != Kind::kNull || node_->is_broken);
}

bool Cursor::has_kind(Kind kind) const {
  return node_ != nullptr && node_->kind == kind && !node_->is_broken;
}

bool Cursor::is_word(std::string_view word) const { return is_text() && node_->text == word; }

bool Cursor::is_null_word() const { return has_kind(Kind::kNull) && node_->text == "null"; }

Position Cursor::at() const {
  return node_ == nullptr || node_->kind == Kind::kNull ? parent_ : node_->at;
}

void Cursor::mistake(std::string what) const { reading_.mistake(at(), path_, std::move(what)); }

void Cursor::mistake(const std::string& what, std::string_view allowed) const {
  mistake(what + "; allowed: " + std::string(allowed));
}

bool Cursor::require(std::string_view allowed) const {
  if (is_given()) return true;
  mistake(node_ == nullptr ? "is missing" : "is empty", allowed);
  return false;
}

bool Cursor::expect(Kind kind, std::string_view allowed) const {
  if (has_kind(kind)) return true;
  if (node_ != nullptr && node_->kind != Kind::kNull && !node_->is_broken) {
    // Without the value, which may be a secret.
    mistake("is " + std::string(kind_name(node_->kind)), allowed);
  }
  return false;
}

std::optional<std::string> Cursor::text(std::string_view allowed) const {
  if (!expect(Kind::kText, allowed)) return std::nullopt;
  return node_->text;
}

std::vector<Cursor> Cursor::items(std::string_view allowed) const {
  std::vector<Cursor> items;
  if (reading_.is_recording()) {
    items.emplace_back(reading_, nullptr, path_ + "[]", parent_);
    return items;
  }
  if (!expect(Kind::kList, allowed)) return items;
  for (std::size_t i = 0; i < node_->items.size(); ++i) {
    const yaml::TreeNode& item = node_->items[i];
    items.emplace_back(reading_, &item, item_path(path_, i), item.at);
    reading_.note_key(items.back().path_, item.at);
  }
  return items;
}

Cursor Cursor::at_key(const yaml::Entry& entry) const {
  return {reading_, &entry.value, child_path(path_, entry.key.text), entry.key.at};
}

Cursor Cursor::key(std::string_view name) const {
  if (is_map()) {
    for (const yaml::Entry& entry : node_->entries) {
      if (!entry.key.is_broken && entry.key.text == name) return at_key(entry);
    }
  }
  // Below something that has been reported, nothing is missing.
  const yaml::TreeNode* node = node_ != nullptr && node_->is_broken ? node_ : nullptr;
  return {reading_, node, child_path(path_, name), parent_};
}

std::vector<Cursor::Named> Cursor::names(std::string_view placeholder,
                                         std::string_view allowed) const {
  std::vector<Named> names;
  if (reading_.is_recording()) {
    const std::string path = path_ + "." + std::string(placeholder);
    const Cursor member(reading_, nullptr, path, parent_);
    names.push_back({std::string(placeholder), member, member});
    return names;
  }
  if (!expect(Kind::kMap, allowed)) return names;
  for (const yaml::Entry& entry : node_->entries) {
    if (entry.key.is_broken) continue;
    const Cursor value = at_key(entry);
    names.push_back(
        {entry.key.text, Cursor(reading_, &entry.key, value.path_, entry.key.at), value});
    reading_.note_key(value.path_, entry.key.at);
  }
  return names;
}

// --- Section -------------------------------------------------------------------------------------

Section::Section(const Cursor& cursor, std::string_view allowed) : cursor_(cursor) {
  if (cursor.expect(Kind::kMap, allowed)) map_ = cursor.node_;
}

Cursor Section::operator[](std::string_view key) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.emplace_back(key);
  Cursor child = cursor_.key(key);
  cursor_.reading_.note_key(child.path_, child.node_ == nullptr
                                             ? std::optional<Position>()
                                             : std::optional<Position>(child.parent_));
  return child;
}

Section::~Section() {
  if (map_ == nullptr) return;
  for (const yaml::Entry& entry : map_->entries) {
    if (entry.key.is_broken) continue;
    if (std::find(known_.begin(), known_.end(), entry.key.text) != known_.end()) continue;
    std::string hint = suggest(entry.key.text, known_);
    if (hint.empty()) {
      const std::string elsewhere = find_elsewhere(entry.key.text);
      if (!elsewhere.empty()) hint = " (did you mean " + quote(elsewhere) + "?)";
    }
    cursor_.reading_.mistake(entry.key.at, child_path(cursor_.path_, entry.key.text),
                             "unknown key" + hint + "; allowed: " + join(known_));
  }
}

}  // namespace sockhook::conf
