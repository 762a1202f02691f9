// Cursor: one place in the config, given or not, that knows its path and where to point at.
// Section: a map with a fixed set of keys. Reading: what one run of the reader shares.
//
//   Section drain(root["drain"]);
//   read_duration(drain["delay"], &config->drain.delay, {0s, 1h});
//
// The reading functions are the only list of keys: reading nothing with a recording Reading yields
// them all (known_keys()), because then every place counts as given and every list and map of
// names has one member.

#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "conf/config_reader.h"
#include "conf/reader/yaml_tree.h"

namespace sockhook::conf {

class Reading {
 public:
  Reading(std::string file, const ReadOptions& options)
      : file_(std::move(file)), options_(options) {}
  // One that records keys.
  Reading() : is_recording_(true) {}

  void mistake(Position at, std::string path, std::string what);
  void note_key(const std::string& path, std::optional<Position> at);

  bool is_recording() const { return is_recording_; }
  const ReadOptions& options() const { return options_; }
  // Where a key stands, or the nearest of its parents that is given, or the file's beginning.
  Position place_of(const std::string& path) const;

  const std::vector<std::string>& keys() const { return keys_; }
  // In the order of the file.
  Mistakes take_mistakes();

 private:
  std::string file_;
  ReadOptions options_;
  bool is_recording_ = false;
  Mistakes mistakes_;
  std::map<std::string, Position, std::less<>> places_;
  std::vector<std::string> keys_;  // while recording, without duplicates
};

std::string child_path(const std::string& path, std::string_view key);
std::string item_path(const std::string& path, std::size_t index);
// For a message: in quotes, shortened, control characters escaped.
std::string quote(std::string_view text);
// " (did you mean "x"?)" for the nearest of `words`, or "".
std::string suggest(std::string_view word, const std::vector<std::string>& words);
std::string join(const std::vector<std::string>& words);

class Cursor {
 public:
  // `node` may be null. `parent` is where to point at when there is nothing at this place.
  Cursor(Reading& reading, const yaml::TreeNode* node, std::string path, Position parent)
      : reading_(reading), node_(node), path_(std::move(path)), parent_(parent) {}

  // In the file and not empty. An empty value ("key:") counts as a key that is not there.
  bool is_given() const;
  bool is_text() const { return has_kind(yaml::TreeNode::Kind::kText); }
  bool is_list() const { return has_kind(yaml::TreeNode::Kind::kList); }
  bool is_map() const { return has_kind(yaml::TreeNode::Kind::kMap); }
  // The text `word`, for the unions: off, memory.
  bool is_word(std::string_view word) const;
  // `null` without quotes: an origin of that name.
  bool is_null_word() const;

  // The text; nullopt when there is none, which is a mistake if something else stands there.
  std::optional<std::string> text(std::string_view allowed) const;
  std::vector<Cursor> items(std::string_view allowed) const;
  // What stands at a key of this map, for mistakes that are found later: Sections read keys.
  Cursor key(std::string_view name) const;
  // A map whose keys are names.
  struct Named;
  std::vector<Named> names(std::string_view placeholder, std::string_view allowed) const;

  void mistake(std::string what) const;
  // "WHAT; allowed: ALLOWED".
  void mistake(const std::string& what, std::string_view allowed) const;
  // "is missing; allowed: ALLOWED", unless it is given.
  bool require(std::string_view allowed) const;

  const std::string& path() const { return path_; }
  Position at() const;
  Reading& reading() const { return reading_; }

 private:
  friend class Section;
  bool has_kind(yaml::TreeNode::Kind kind) const;
  // False, with a mistake if it is given, when the place has another kind.
  bool expect(yaml::TreeNode::Kind kind, std::string_view allowed) const;
  Cursor at_key(const yaml::Entry& entry) const;

  Reading& reading_;
  const yaml::TreeNode* node_;
  std::string path_;
  Position parent_;
};

struct Cursor::Named {
  std::string name;
  Cursor key;  // for mistakes about the name
  Cursor value;
};

class Section {
 public:
  // `allowed` describes the alternatives, for a value that is no map.
  explicit Section(const Cursor& cursor, std::string_view allowed = "a map of keys");
  // Reports the keys that nobody asked for.
  ~Section();
  Section(const Section&) = delete;
  Section& operator=(const Section&) = delete;

  Cursor operator[](std::string_view key);
  const Cursor& cursor() const { return cursor_; }

 private:
  Cursor cursor_;
  const yaml::TreeNode* map_ = nullptr;
  std::vector<std::string> known_;
};

}  // namespace sockhook::conf
