#include "proxy/observe/metrics.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "proxy/observe/metric_family.h"
#include "proxy/observe/metrics_text.h"

namespace sockhook::observe {
namespace {

conf::Config chat_config() {
  conf::Config config;
  conf::Endpoint endpoint;
  endpoint.name = "chat";
  endpoint.routes.connect.emplace().key = "$connect";
  endpoint.routes.by_key["a\"\\b\n"].key = "a\"\\b\n";
  config.endpoints = {endpoint};
  return config;
}

class MetricsTest : public testing::Test {
 protected:
  std::string text() const { return metrics_text(metrics, facts); }
  bool has_line(const std::string& line) const {
    return text().find("\n" + line + "\n") != std::string::npos;
  }
  EndpointMetrics& chat(std::size_t worker) { return *metrics.workers[worker]->endpoints[0]; }

  Metrics metrics{chat_config(), 2};
  NodeFacts facts;
};

TEST_F(MetricsTest, ShardsOfAllWorkersAreSummed) {
  chat(0).connections.set(3);
  chat(1).connections.add(2);
  chat(1).connections.add(-1);
  chat(0).handshakes[HandshakeResult::kAccepted].add();
  chat(1).handshakes[HandshakeResult::kAccepted].add(4);
  metrics.workers[1]->unmatched_handshakes[HandshakeResult::kNotFound].add();
  chat(0).messages_in.add(2);
  chat(1).message_bytes_out.add(100);
  metrics.workers[0]->webhooks_queued.set(7);
  EXPECT_TRUE(has_line("sockhook_connections{endpoint=\"chat\"} 4"));
  EXPECT_TRUE(has_line("sockhook_handshakes_total{endpoint=\"chat\",result=\"accepted\"} 5"));
  EXPECT_TRUE(has_line("sockhook_handshakes_total{endpoint=\"\",result=\"not_found\"} 1"));
  EXPECT_TRUE(has_line("sockhook_messages_total{endpoint=\"chat\",direction=\"in\"} 2"));
  EXPECT_TRUE(has_line("sockhook_message_bytes_total{endpoint=\"chat\",direction=\"out\"} 100"));
  EXPECT_TRUE(has_line("sockhook_webhooks_queued 7"));
}

TEST_F(MetricsTest, KeysHaveASeriesForEachSource) {
  EXPECT_FALSE(has_line("sockhook_keys{source=\"a.json\"} 2"));
  facts.keys = {{"a.json", 5, 1, 2, 30.5}, {"https://b/c", 0, 7, 0, 4}};
  EXPECT_TRUE(has_line("sockhook_key_reads_total{source=\"a.json\",result=\"ok\"} 5"));
  EXPECT_TRUE(has_line("sockhook_key_reads_total{source=\"https://b/c\",result=\"failed\"} 7"));
  EXPECT_TRUE(has_line("sockhook_keys{source=\"a.json\"} 2"));
  EXPECT_TRUE(has_line("sockhook_keys_age_seconds{source=\"a.json\"} 30.5"));
}

TEST_F(MetricsTest, ClosesAreCountedByCodeAndByWhoClosed) {
  chat(0).count_close(1006, ClosedBy::kClient);
  chat(1).count_close(1006, ClosedBy::kClient);
  chat(0).count_close(4001, ClosedBy::kBackend);
  EXPECT_TRUE(has_line("sockhook_closes_total{endpoint=\"chat\",code=\"1006\",by=\"client\"} 2"));
  EXPECT_TRUE(has_line("sockhook_closes_total{endpoint=\"chat\",code=\"4001\",by=\"backend\"} 1"));
}

TEST_F(MetricsTest, ClientsCannotMakeAnyNumberOfSeriesByTheirCloseCodes) {
  for (uint16_t code = 3000; code < 5000; ++code) chat(0).count_close(code, ClosedBy::kClient);
  chat(0).count_close(3000, ClosedBy::kClient);
  EXPECT_TRUE(has_line("sockhook_closes_total{endpoint=\"chat\",code=\"3000\",by=\"client\"} 2"));
  EXPECT_TRUE(
      has_line("sockhook_closes_total{endpoint=\"chat\",code=\"other\",by=\"client\"} 1968"));
  EXPECT_EQ(text().find("code=\"4000\""), std::string::npos);
}

TEST_F(MetricsTest, HistogramsAreCumulativeFrom100MicrosecondsTo30Seconds) {
  Histogram& queue = chat(0).route("$connect")->queue;
  queue.observe_us(100);
  queue.observe_us(101);
  chat(1).route("$connect")->queue.observe_us(31'000'000);
  const std::string name = "sockhook_webhook_duration_seconds";
  const std::string labels = "endpoint=\"chat\",route=\"$connect\",phase=\"queue\"";
  EXPECT_TRUE(has_line(name + "_bucket{" + labels + ",le=\"0.0001\"} 1"));
  EXPECT_TRUE(has_line(name + "_bucket{" + labels + ",le=\"0.00025\"} 2"));
  EXPECT_TRUE(has_line(name + "_bucket{" + labels + ",le=\"30\"} 2"));
  EXPECT_TRUE(has_line(name + "_bucket{" + labels + ",le=\"+Inf\"} 3"));
  EXPECT_TRUE(has_line(name + "_sum{" + labels + "} 31.000201"));
  EXPECT_TRUE(has_line(name + "_count{" + labels + "} 3"));
  EXPECT_EQ(chat(0).route("unknown"), nullptr);
}

TEST_F(MetricsTest, LabelValuesAreEscaped) {
  chat(0).route("a\"\\b\n")->results[WebhookResult::kOk].add();
  EXPECT_TRUE(
      has_line(R"(sockhook_webhooks_total{endpoint="chat",route="a\"\\b\n",result="ok"} 1)"));
}

TEST_F(MetricsTest, PushesAreCountedByTargetResultAndPath) {
  metrics.control.push(PushPath::kLocal, PushTarget::kGroup, PushResult::kFailed).add(2);
  metrics.control.push(PushPath::kRemote, PushTarget::kUser, PushResult::kDelivered).add(3);
  EXPECT_TRUE(
      has_line("sockhook_pushes_total{target=\"user\",result=\"delivered\",path=\"remote\"} 3"));
  EXPECT_TRUE(
      has_line("sockhook_pushes_total{target=\"group\",result=\"failed\",path=\"local\"} 2"));
}

TEST_F(MetricsTest, NodeFactsAreShown) {
  facts.version = "1.2.3";
  facts.is_backplane_up = false;
  facts.nodes = 3;
  metrics.workers[1]->loop_lag_us.set(1500);
  EXPECT_TRUE(has_line("sockhook_build_info{version=\"1.2.3\"} 1"));
  EXPECT_TRUE(has_line("sockhook_backplane_up 0"));
  EXPECT_TRUE(has_line("sockhook_nodes 3"));
  EXPECT_TRUE(has_line("sockhook_loop_lag_seconds{loop=\"worker-1\"} 0.0015"));
}

TEST_F(MetricsTest, EveryFamilyIsWrittenOnceInItsPlaceAndSamplesHaveItsLabels) {
  chat(0).count_close(1000, ClosedBy::kClient);
  std::vector<std::string> names;
  std::map<std::string, std::string> labels_of;
  for (const MetricFamily& family : metric_families()) {
    labels_of[std::string(family.name)] = family.labels;
  }
  std::istringstream lines(text());
  const std::regex sample(R"re(([a-z_]+)(?:\{(.*)\})? [-+0-9.e]+)re");
  const std::regex label(R"re((\w+)="(?:[^"\\]|\\.)*")re");
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# TYPE ")) names.push_back(line.substr(7, line.rfind(' ') - 7));
    if (line.starts_with("#")) continue;
    std::smatch parts;
    ASSERT_TRUE(std::regex_match(line, parts, sample)) << line;
    EXPECT_TRUE(parts[1].str().starts_with(names.back())) << line;
    std::string found;
    const std::string text_of_labels = parts[2];
    for (std::sregex_iterator i(text_of_labels.begin(), text_of_labels.end(), label), end; i != end;
         ++i) {
      if ((*i)[1] != "le") found += (found.empty() ? "" : ", ") + (*i)[1].str();
    }
    EXPECT_EQ(found, labels_of.at(names.back())) << line;
  }
  std::vector<std::string> expected;
  for (const MetricFamily& family : metric_families()) expected.emplace_back(family.name);
  EXPECT_EQ(names, expected);
}

TEST(MetricFamiliesTest, CountersEndInTotalAndNothingElseDoes) {
  for (const MetricFamily& family : metric_families()) {
    EXPECT_EQ(family.type == "counter", family.name.ends_with("_total")) << family.name;
    EXPECT_TRUE(family.name.starts_with("sockhook_"));
  }
}

TEST(MetricFamiliesTest, ThePageInTheDocsListsThemAll) {
  std::string expected;
  for (const MetricFamily& family : metric_families()) {
    std::string labels;
    std::istringstream names{std::string(family.labels)};
    for (std::string name; std::getline(names >> std::ws, name, ',');) {
      labels += (labels.empty() ? "`" : ", `") + name + "`";
    }
    expected += "| `" + std::string(family.name) + "` | " + std::string(family.type) + " | " +
                labels + " | " + std::string(family.help) + " |\n";
  }
  std::ifstream page(SOCKHOOK_SOURCE_DIR "/docs/metrics.md");
  std::string documented;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("| `sockhook_")) documented += line + "\n";
  }
  EXPECT_EQ(documented, expected);
}

}  // namespace
}  // namespace sockhook::observe
