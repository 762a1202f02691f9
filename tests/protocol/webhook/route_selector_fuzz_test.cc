// Compares what the selector takes for JSON, and what it selects, with nlohmann's parser, over
// texts that are made from valid ones by random changes.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "protocol/websocket/utf8.h"
#include "tests/protocol/webhook/selecting.h"

namespace sockhook::webhook {
namespace {

using nlohmann::json;

constexpr const char* kSeeds[] = {
    R"({"action":"send","data":{"list":[1,2.5,-3e7,true,false,null],"text":"a\"b\\c\n"}})",
    R"([{"a":{"b":"c"}},[],{},"",0,-0.0,[[["x"]]]])",
    R"({"a":{"b":"first","b":"last"},"action":12,"\u0061ction":"escaped","":""})",
    R"("just text \u00e4 \ud83d\ude00")",
    R"( { "action" : true , "x" : [ ] , "y" : { } } )",
};
constexpr std::string_view kAlphabet = "{}[]\",:\\ \n\t0123456789.eE+-truefalsnabu";

std::string mutate(std::string text, std::mt19937& random) {
  const auto below = [&](std::size_t limit) { return random() % limit; };
  for (std::size_t changes = 1 + below(3); changes > 0 && !text.empty(); --changes) {
    const std::size_t at = below(text.size());
    const char c = kAlphabet[below(kAlphabet.size())];
    switch (below(4)) {
      case 0:
        text.erase(at, 1 + below(3));
        break;
      case 1:
        text.insert(at, 1, c);
        break;
      case 2:
        text[at] = c;
        break;
      default:
        text.insert(at, text.substr(below(text.size()), below(8)));
    }
  }
  return text;
}

// nlohmann refuses lone surrogates, which the grammar allows, and numbers beyond a double's range.
bool is_matter_of_taste(const std::string& text) {
  return text.find("\\ud") != std::string::npos || text.find("\\uD") != std::string::npos ||
         text.find_first_of("eE") != std::string::npos;
}

std::optional<std::string> expected_key(const std::string& text) {
  const json value = json::parse(text, nullptr, false);
  if (!value.is_object() || !value.contains("action")) return std::nullopt;
  const json& action = value["action"];
  if (!action.is_string()) return std::nullopt;
  const auto& key = action.get_ref<const std::string&>();
  return key.empty() || key.starts_with('$') ? std::nullopt : std::optional(key);
}

TEST(RouteSelectorFuzz, AgreesWithAnotherParserOnWhatIsJson) {
  std::mt19937 random(20'240'209);  // NOLINT: the same texts on every run
  MessageParser parser;
  std::size_t valid = 0;
  for (int i = 0; i < 40'000; ++i) {
    const std::string text = mutate(kSeeds[random() % std::size(kSeeds)], random);
    if (!websocket::is_valid_utf8(text)) continue;
    const Selected selected = select("$request.body.action", text, parser);
    const bool is_json = json::accept(text);
    if (selected.is_json != is_json) {
      EXPECT_TRUE(selected.is_json && is_matter_of_taste(text)) << text;
      continue;
    }
    if (!is_json) continue;
    ++valid;
    const json value = json::parse(text);
    const bool is_number_or_boolean = value.is_object() && value.contains("action") &&
                                      (value["action"].is_number() || value["action"].is_boolean());
    if (!is_number_or_boolean) {
      EXPECT_EQ(selected.key, expected_key(text)) << text;
    }
  }
  EXPECT_GT(valid, 2'000U) << "the changes must leave enough valid texts";
}

}  // namespace
}  // namespace sockhook::webhook
