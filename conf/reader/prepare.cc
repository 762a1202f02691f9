#include "conf/reader/prepare.h"

#include <map>

#include "conf/reader/environment.h"

namespace sockhook::conf {
namespace {

using Kind = yaml::TreeNode::Kind;

// Recursion ends at yaml::kMaxDepth.
class Preparation {
  // Of the keys of one map.
  using FirstLines = std::map<std::string, int>;

 public:
  Preparation(const Environment& environment, Reading& reading)
      : environment_(environment), reading_(reading) {}

  void visit(yaml::TreeNode& node, const std::string& path) {
    if (node.has_anchor) {
      // The value is there all the same.
      reading_.mistake(node.at, path,
                       "an anchor (&); allowed: the value itself, written out in each place");
    }
    if (node.is_alias) {
      report(node, path, "an alias (*); allowed: the value itself, written out in each place");
    }
    if (!node.tag.empty()) report(node, path, "a tag (!); allowed: a value without a tag");
    if (node.kind == Kind::kText) put_environment_in(node, path);
    for (std::size_t i = 0; i < node.items.size(); ++i) visit(node.items[i], item_path(path, i));
    FirstLines first_lines;
    for (yaml::Entry& entry : node.entries) {
      check_key(entry.key, path, &first_lines);
      visit(entry.value, child_path(path, entry.key.text));
    }
  }

 private:
  // The first report stands for the node: an alias has no tag and no text.
  void report(yaml::TreeNode& node, const std::string& path, std::string what) {
    reading_.mistake(node.at, path, std::move(what));
    node.is_broken = true;
  }

  void check_key(yaml::TreeNode& key, const std::string& path, FirstLines* first_lines) {
    const std::string key_path = child_path(path, key.text);
    if (key.kind != Kind::kText) {
      report(key, path,
             key.kind == Kind::kNull && key.text == "null"
                 ? "the key null without quotes; allowed: \"null\""
                 : "a key that is no text; allowed: a text");
    } else if (key.text == "<<" && !key.is_quoted) {
      report(key, key_path, "a merge key; allowed: the keys themselves, written out in each place");
    } else if (key.has_anchor) {
      report(key, key_path, "an anchor (&); allowed: the key itself");
    } else if (!key.tag.empty()) {
      report(key, key_path, "a tag (!); allowed: a key without a tag");
    } else {
      const auto [first, is_new] = first_lines->emplace(key.text, key.at.line);
      if (is_new) return;
      report(key, key_path,
             "duplicate key, first in line " + std::to_string(first->second) +
                 "; allowed: each key once");
    }
  }

  void put_environment_in(yaml::TreeNode& node, const std::string& path) {
    Result<std::string, std::string> text = substitute(node.text, environment_);
    if (!text) {
      report(node, path,
             "the environment variable " + text.error() + " is not set; allowed: a variable that " +
                 "is set, or a default: ${" + text.error() + ":-default}");
      return;
    }
    const bool is_changed = *text != node.text;
    node.text = std::move(*text);
    // "key: ${NAME:-}" is an empty value, like "key:".
    if (is_changed && node.text.empty() && !node.is_quoted) node.kind = Kind::kNull;
  }

  const Environment& environment_;
  Reading& reading_;
};

}  // namespace

void prepare(yaml::TreeNode& root, const Environment& environment, Reading& reading) {
  Preparation(environment, reading).visit(root, "");
}

}  // namespace sockhook::conf
