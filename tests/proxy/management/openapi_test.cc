// The document and the table of operations are two lists of the same things.

#include "proxy/management/openapi.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "proxy/management/operations.h"

namespace sockhook::management {
namespace {

using nlohmann::json;

const json& document() {
  static const json parsed = json::parse(kOpenApiDocument);
  return parsed;
}

std::string tag_of(Access access) {
  switch (access) {
    case Access::kOpen:
      return "open";
    case Access::kAny:
      return "any";
    case Access::kSend:
      return "send";
    case Access::kRead:
      return "read";
    case Access::kManage:
      return "manage";
  }
  return {};
}

TEST(OpenApiTest, TheDocumentAndTheTableListTheSameOperations) {
  std::set<std::pair<std::string, std::string>> described;
  for (const auto& [path, methods] : document().at("paths").items()) {
    for (const auto& [method, operation] : methods.items()) {
      std::string upper = method;
      for (char& c : upper) c = static_cast<char>(std::toupper(c));
      described.emplace(upper, path);
    }
  }
  std::set<std::pair<std::string, std::string>> served;
  for (const Operation& operation : operations()) {
    served.emplace(operation.method, operation.pattern);
  }
  EXPECT_EQ(described, served);
}

TEST(OpenApiTest, TagsNameThePermissionThatACallNeeds) {
  for (const Operation& operation : operations()) {
    std::string method(operation.method);
    for (char& c : method) c = static_cast<char>(std::tolower(c));
    const json& tags =
        document().at("paths").at(std::string(operation.pattern)).at(method).at("tags");
    if (operation.access == Access::kAny) {
      EXPECT_EQ(tags.size(), 3U) << operation.pattern;
    } else {
      EXPECT_EQ(tags, json::array({tag_of(operation.access)})) << operation.pattern;
    }
  }
}

void expect_references_resolve(const json& node) {
  if (node.is_object() && node.contains("$ref")) {
    const std::string target = node.at("$ref").get<std::string>().substr(1);
    EXPECT_TRUE(document().contains(json::json_pointer(target))) << target;
  }
  if (node.is_structured()) {
    for (const json& child : node) expect_references_resolve(child);
  }
}

TEST(OpenApiTest, ReferencesResolveAndPathParametersAreDescribed) {
  EXPECT_EQ(document().at("openapi"), "3.1.0");
  EXPECT_NE(document().at("info").at("version"), "0");
  expect_references_resolve(document());
  for (const auto& [path, methods] : document().at("paths").items()) {
    const auto braces = static_cast<std::size_t>(std::count(path.begin(), path.end(), '{'));
    for (const auto& [method, operation] : methods.items()) {
      std::size_t described = 0;
      for (const json& parameter : operation.value("parameters", json::array())) {
        const std::string target = parameter.at("$ref").get<std::string>().substr(1);
        if (document().at(json::json_pointer(target)).at("in") == "path") ++described;
      }
      EXPECT_EQ(described, braces) << method << path;
    }
  }
}

}  // namespace
}  // namespace sockhook::management
