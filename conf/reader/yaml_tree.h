// A YAML document as a tree of texts with positions: all that the reader knows of YAML.
//
// Made from the parser's events, not from yaml-cpp's nodes, because those follow aliases (cyclic
// ones, and bombs), lose duplicate keys and read 017 as 15. Scalars stay texts; the config's own
// types are read from them (reader/scalars.h).
//
// Everything that differs between YAML readers is reported and not interpreted: anchors, aliases,
// merge keys, tags, duplicate and non-text keys, several documents.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "conf/mistake.h"

namespace sockhook::conf::yaml {

struct Entry;

struct TreeNode {
  enum class Kind { kNull, kText, kList, kMap };

  Kind kind = Kind::kNull;
  Position at;
  std::string text;        // of a text; "null" for a null that was written with this word
  bool is_quoted = false;  // or a block scalar: never null, whatever it says
  bool has_anchor = false;
  bool is_alias = false;
  bool is_broken = false;  // has been reported: not to be read, and not missing either
  std::string tag;         // an explicit one
  std::vector<TreeNode> items;
  std::vector<Entry> entries;  // in the file's order
};

struct Entry {
  TreeNode key;
  TreeNode value;
};

struct Problem {
  Position at;
  std::string what;
};

struct Tree {
  TreeNode root;
  std::vector<Problem> problems;  // if there are any, `root` is incomplete
};

// Limits of a file, far above any that a person writes.
inline constexpr std::size_t kMaxBytes = std::size_t{4} << 20U;
inline constexpr std::size_t kMaxDepth = 32;

Tree parse(std::string_view text);

}  // namespace sockhook::conf::yaml
