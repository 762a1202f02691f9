#include "conf/reader/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <sstream>
#include <utility>

#include "protocol/websocket/utf8.h"

namespace sockhook::conf::yaml {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// Turns the parser's byte offsets into positions that editors show.
class Source {
 public:
  explicit Source(std::string_view text) : text_(text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\n') line_starts_.push_back(i + 1);
    }
  }

  Position at(std::size_t offset) const {
    offset = std::min(offset, text_.size());
    const auto next = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
    const auto line = next - line_starts_.begin();
    return {static_cast<int>(line), characters(*(next - 1), offset) + 1};
  }
  Position at(const YAML::Mark& mark) const { return at(offset(mark)); }

  // The mark of a list's empty item stands behind it, perhaps in the next line: back to its "-".
  Position at_item(const YAML::Mark& mark) const {
    const std::size_t last = before(mark).find_last_not_of(" \t\r\n");
    return last != std::string_view::npos && text_[last] == '-' ? at(last) : at(mark);
  }

  std::string_view from(const YAML::Mark& mark) const {
    return text_.substr(std::min(offset(mark), text_.size()));
  }
  std::string_view before(const YAML::Mark& mark) const {
    return text_.substr(0, std::min(offset(mark), text_.size()));
  }

 private:
  // Between a line's beginning and a place in it. Counts on from the place before, if that stands
  // in front of it: a file may be one long line with a great many places.
  int characters(std::size_t line, std::size_t end) const {
    if (counted_line_ != line || counted_to_ > end) {
      counted_line_ = line;
      counted_to_ = line;
      counted_ = 0;
    }
    const std::string_view more = text_.substr(counted_to_, end - counted_to_);
    counted_ += static_cast<int>(
        std::count_if(more.begin(), more.end(), [](char c) { return (c & '\xC0') != '\x80'; }));
    counted_to_ = end;
    return counted_;
  }

  static std::size_t offset(const YAML::Mark& mark) {
    return mark.pos < 0 ? 0 : static_cast<std::size_t>(mark.pos);
  }

  std::string_view text_;
  std::vector<std::size_t> line_starts_ = {0};
  // A line's beginning, a place in it, and the characters between.
  mutable std::size_t counted_line_ = 0;
  mutable std::size_t counted_to_ = 0;
  mutable int counted_ = 0;
};

// yaml-cpp takes the end of the file for the end of a quoted text.
bool is_quote_closed(std::string_view quoted) {
  const char quote = quoted.front();
  for (std::size_t i = 1; i < quoted.size(); ++i) {
    if (quote == '"' && quoted[i] == '\\') {
      ++i;
    } else if (quoted[i] == quote) {
      if (quote != '\'' || i + 1 == quoted.size() || quoted[i + 1] != '\'') return true;
      ++i;
    }
  }
  return false;
}

struct Abandoned {};  // thrown through the parser: a limit is reached, or a second document begun

class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(const Source& source, Tree& tree) : source_(source), tree_(tree) {}

  bool has_document() const { return documents_ > 0; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ == 1) return;
    problem(mark,
            "a second document begins here, or the indentation is wrong; allowed: one document "
            "in a file");
    throw Abandoned{};
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    TreeNode node = make(TreeNode::Kind::kNull, mark, "", anchor);
    if (source_.from(mark).starts_with("null")) node.text = "null";
    if (!open_.empty() && open_.back().has_key && open_.back().key_offset == mark.pos) {
      problem(mark, "a key without a \":\"; allowed: \"key: value\"");
    }
    if (!open_.empty() && open_.back().node.kind == TreeNode::Kind::kList) {
      node.at = source_.at_item(mark);
    }
    add(std::move(node), mark);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    TreeNode node = make(TreeNode::Kind::kNull, mark, "", 0);
    node.is_alias = true;
    add(std::move(node), mark);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    TreeNode node = make(TreeNode::Kind::kText, mark, tag, anchor);
    node.text = value;
    node.is_quoted = tag != "?";
    const std::string_view source = source_.from(mark);
    if ((source.starts_with('"') || source.starts_with('\'')) && !is_quote_closed(source)) {
      problem(mark, "a quote that is never closed");
    }
    add(std::move(node), mark);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(make(TreeNode::Kind::kList, mark, tag, anchor), mark);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(make(TreeNode::Kind::kMap, mark, tag, anchor), mark);
  }
  void OnMapEnd() override { close(); }

 private:
  // A list or map whose end has not come yet.
  struct Open {
    TreeNode node;
    YAML::Mark mark;
    TreeNode key;  // of a map, while its value is read
    bool has_key = false;
    int key_offset = 0;
  };

  void problem(const YAML::Mark& mark, std::string what) {
    tree_.problems.push_back({source_.at(mark), std::move(what)});
  }

  TreeNode make(TreeNode::Kind kind, const YAML::Mark& mark, const std::string& tag,
                YAML::anchor_t anchor) const {
    TreeNode node;
    node.kind = kind;
    node.at = source_.at(mark);
    node.has_anchor = anchor != 0;
    if (tag != "?" && tag != "!") node.tag = tag;
    return node;
  }

  void open(TreeNode node, const YAML::Mark& mark) {
    if (open_.size() == kMaxDepth) {
      problem(mark, "nested too deeply; allowed: " + std::to_string(kMaxDepth) + " levels");
      throw Abandoned{};
    }
    open_.push_back({std::move(node), mark, {}, false, 0});
  }

  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    add(std::move(done.node), done.mark);
  }

  void add(TreeNode node, const YAML::Mark& mark) {
    if (open_.empty()) {
      tree_.root = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == TreeNode::Kind::kList) {
      parent.node.items.push_back(std::move(node));
    } else if (!parent.has_key) {
      parent.key = std::move(node);
      parent.has_key = true;
      parent.key_offset = mark.pos;
    } else {
      parent.node.entries.push_back({std::move(parent.key), std::move(node)});
      parent.has_key = false;
    }
  }

  const Source& source_;
  Tree& tree_;
  std::vector<Open> open_;
  int documents_ = 0;
};

// What the parser says, in words that help. A hint follows what people usually meant.
std::string explain(const YAML::ParserException& error, const Source& source) {
  struct Hint {
    std::string_view message;
    std::string_view hint;
  };
  static constexpr std::array kHints{
      Hint{"illegal map value",
           "a \":\" is not allowed here: check the indentation, and quote a value that contains "
           "\": \""},
      Hint{"illegal map key", "a key is not allowed here: check the indentation"},
      Hint{"illegal block entry", "a \"- \" is not allowed here: check the indentation"},
      Hint{"end of map not found", "the indentation does not fit the lines above"},
      Hint{"end of sequence not found", "the indentation does not fit the lines above"},
      Hint{"end of map flow not found", "a \"}\" or \",\" is missing"},
      Hint{"end of sequence flow not found", "a \"]\" or \",\" is missing"},
      Hint{"illegal flow end", "a \"]\" or \"}\" without its beginning"},
      Hint{"illegal tab when looking for indentation", "a tab; allowed: spaces for indentation"},
      Hint{"the referenced anchor is not defined",
           "aliases are not allowed; quote a text that begins with \"*\""},
      Hint{"alias not found after *",
           "aliases are not allowed; quote a text that begins with \"*\""},
      Hint{"anchor not found after &",
           "anchors are not allowed; quote a text that begins with \"&\""},
      Hint{"unknown token", "a plain text cannot begin with this character: quote it"},
      // yaml-cpp adds the character, whatever it is.
      Hint{"unknown escape character",
           "a \"\\\" in double quotes is followed by no escape: write \"\\\\\""},
  };
  const std::string_view before = source.before(error.mark);
  const std::size_t line = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n');
  if (error.msg.find("flow not found") != std::string::npos &&
      (before.ends_with('$') || before.substr(line).find("${") != std::string_view::npos)) {
    return "no valid YAML: quote a text with \"${...}\" inside of [ ] or { }";
  }
  if (source.from(error.mark).starts_with('?')) {
    return "no valid YAML: quote a text with a \"?\" inside of [ ] or { }";
  }
  for (const Hint& hint : kHints) {
    if (error.msg.starts_with(hint.message)) return "no valid YAML: " + std::string(hint.hint);
  }
  return "no valid YAML: " + error.msg;
}

// Reports what must not reach the parser at all: it ends the file silently at 0x04, replaces
// invalid UTF-8 and guesses other encodings.
void check_bytes(std::string_view text, const Source& source, Tree& tree) {
  if (text.size() > kMaxBytes) {
    tree.problems.push_back({{}, "the file is too large; allowed: 4MiB"});
    return;
  }
  if (!websocket::is_valid_utf8(text)) {
    websocket::Utf8Validator validator;
    std::size_t good = 0;
    while (good < text.size() && validator.consume(text.substr(good, 1))) ++good;
    tree.problems.push_back({source.at(good), "no valid UTF-8"});
    return;
  }
  const auto bad = std::find_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' && c != '\r') ||
           c == '\x7F';
  });
  if (bad != text.end()) {
    tree.problems.push_back({source.at(static_cast<std::size_t>(bad - text.begin())),
                             "a control character; allowed: text, with \"\\xNN\" in double quotes "
                             "for others"});
  }
}

}  // namespace

Tree parse(std::string_view text) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  Tree tree;
  const Source source(text);
  check_bytes(text, source, tree);
  if (!tree.problems.empty()) return tree;

  TreeBuilder builder(source, tree);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Abandoned&) {
  } catch (const YAML::ParserException& error) {
    tree.problems.push_back({source.at(error.mark), explain(error, source)});
  }
  const bool is_empty =
      !builder.has_document() || (tree.root.kind == TreeNode::Kind::kNull && !tree.root.is_alias);
  if (tree.problems.empty() && is_empty) {
    tree.problems.push_back(
        {{}, "the file is empty; allowed: a map with endpoints or passthrough"});
  }
  return tree;
}

}  // namespace sockhook::conf::yaml
