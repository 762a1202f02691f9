#include "protocol/webhook/batch_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "protocol/webhook/webhook_request.h"

namespace sockhook::webhook {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

constexpr std::size_t kNoLimit = 1'000'000;

Event message(std::uint64_t number, std::string_view payload) {
  Event event;
  event.time_ms = 1'707'487'903'123;
  event.number = number;
  event.connection_id = "CONN";
  event.node = "gw-1";
  event.endpoint = "chat";
  event.route_key = "send";
  event.payload = payload;
  return event;
}

std::string batch_of(const Event& event) {
  BatchWriter writer;
  EXPECT_TRUE(writer.add(event, kNoLimit));
  return std::string(writer.end());
}

// What stands behind datacontenttype.
std::string data_of(const Event& event) {
  const std::string body = batch_of(event);
  EXPECT_FALSE(json::parse(body, nullptr, false).is_discarded()) << body;
  const std::size_t data = body.find("\"data", body.find("datacontenttype") + 1);
  return body.substr(data, body.size() - data - std::string_view("}]").size());
}

std::string json_data(std::string_view payload) {
  Event event = message(1, payload);
  event.is_json = true;
  return data_of(event);
}

TEST(BatchWriter, TwoEventsHaveExactlyTheseBytes) {
  Event first = message(7, R"({"action": "send", "n": 1.50})");
  first.is_json = true;
  first.user = "ad\"a";
  first.state = "room=1";
  first.client_address = "203.0.113.7";
  first.proto = "https";
  first.host = "ws.example.com";
  first.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  first.tracestate = "congo=t61";
  Event second = message(8, "h\xC3\xA9\n");
  second.connection_id = "OTHER";
  second.route_key = "$default";
  BatchWriter writer;
  EXPECT_TRUE(writer.add(first, kNoLimit));
  EXPECT_TRUE(writer.add(second, kNoLimit));
  EXPECT_EQ(writer.end(),
            R"([{"specversion":"1.0","type":"io.sockhook.message",)"
            R"("source":"/nodes/gw-1/endpoints/chat","id":"CONN-7",)"
            R"("time":"2024-02-09T14:11:43.123Z","connectionid":"CONN","endpoint":"chat",)"
            R"("routekey":"send","userid":"ad\"a","sockhookstate":"room=1",)"
            R"("xforwardedfor":"203.0.113.7","xforwardedproto":"https",)"
            R"("xforwardedhost":"ws.example.com",)"
            R"("traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",)"
            R"("tracestate":"congo=t61","datacontenttype":"application/json",)"
            R"("data":{"action": "send", "n": 1.50}},)"
            R"({"specversion":"1.0","type":"io.sockhook.message",)"
            R"("source":"/nodes/gw-1/endpoints/chat","id":"OTHER-8",)"
            R"("time":"2024-02-09T14:11:43.123Z","connectionid":"OTHER","endpoint":"chat",)"
            R"("routekey":"$default","datacontenttype":"text/plain; charset=utf-8",)"
            R"("data":")"
            "h\xC3\xA9\\n\"}]");
}

TEST(BatchWriter, DataIsAValueAStringOrBase64) {
  EXPECT_EQ(json_data("{\"a\":1}"), "\"data\":{\"a\":1}");
  EXPECT_EQ(json_data(" [1] "), "\"data\": [1] ");
  EXPECT_EQ(data_of(message(1, "{\"a\":1}")), "\"data\":\"{\\\"a\\\":1}\"");
  EXPECT_EQ(data_of(message(1, "")), "\"data\":\"\"");
  Event binary = message(1, std::string_view("\0\x01\xFF", 3));
  binary.is_binary = true;
  EXPECT_EQ(data_of(binary), "\"data_base64\":\"AAH/\"");
}

TEST(BatchWriter, TheRoutesContentTypeDecides) {
  Event event = message(1, "{}");
  for (const char* type : {"application/json", "Application/JSON; charset=utf-8",
                           "application/vnd.chat+json", "application/a+b+JSON ;x=y"}) {
    event.content_type = type;
    EXPECT_EQ(data_of(event), "\"data\":{}") << type;
    EXPECT_EQ(json::parse(batch_of(event))[0]["datacontenttype"], type);
  }
  for (const char* type : {"text/plain", "application/jsonp", "application/xml", "json"}) {
    event.content_type = type;
    EXPECT_EQ(data_of(event), "\"data\":\"{}\"") << type;
  }
  // Declared, but not so: a value it cannot be, and a string would be another value.
  event.content_type = "application/json";
  event.payload = "hello";
  EXPECT_EQ(data_of(event), "\"data_base64\":\"aGVsbG8=\"");
  event.payload = "{}";
  event.is_binary = true;
  EXPECT_EQ(data_of(event), "\"data_base64\":\"e30=\"");
}

TEST(BatchWriter, NoMessageCanSpoilTheBatch) {
  for (const std::string& payload : std::vector<std::string>{
           R"({"a": 1}, {"id": "forged"})", "{} {}", "{}]", "", "1e999", "-1e999", "1e-999",
           R"("\ud800")", R"(["\udc00\ud800"])", R"({"\u0000a": 1})", R"({"a": "\u0000"})",
           std::string(33, '1'), std::string(33, '[') + std::string(33, ']'), "NaN", "{\"a\":\xFF}",
           "\xEF\xBB\xBF{}"}) {
    EXPECT_THAT(json_data(payload), HasSubstr("data_base64")) << payload;
  }
  for (const std::string& payload :
       std::vector<std::string>{R"("\ud83d\ude00")", "1e308", "-0", std::string(32, '1'),
                                std::string(32, '[') + std::string(32, ']'),
                                R"({"a": {"a": 1, "a": 2}, "": null})", "true", "\t{\r\n}"}) {
    EXPECT_EQ(json_data(payload), "\"data\":" + payload);
  }
  // Text that is no JSON by its type is only a string.
  Event text = message(1, "\"}]\\\x01\xFF");
  EXPECT_EQ(data_of(text), "\"data\":\"\\\"}]\\\\\\u0001\xEF\xBF\xBD\"");
}

TEST(BatchWriter, StopsBeforeItsLimit) {
  const Event event = message(1, "12345");
  const std::size_t one = batch_of(event).size() - std::string_view("[]").size();
  // Two events, brackets and a comma.
  const std::size_t two = 2 * one + 3;
  for (const std::size_t limit : {two, two + one}) {
    BatchWriter writer;
    EXPECT_TRUE(writer.add(event, limit));
    EXPECT_TRUE(writer.add(event, limit));
    EXPECT_FALSE(writer.add(event, limit));
    EXPECT_EQ(writer.end().size(), two);
  }
  BatchWriter writer;
  EXPECT_TRUE(writer.add(event, two - 1));
  EXPECT_FALSE(writer.add(event, two - 1));
  EXPECT_EQ(writer.end(), batch_of(event)) << "nothing of it is left";
}

TEST(BatchWriter, ASingleEventMayBeLarger) {
  BatchWriter writer;
  EXPECT_TRUE(writer.add(message(1, "a"), 10));
  EXPECT_FALSE(writer.add(message(2, "b"), 10));
  EXPECT_EQ(writer.end(), batch_of(message(1, "a")));
  writer.clear();
  EXPECT_TRUE(writer.add(message(2, "b"), 10));
  EXPECT_EQ(writer.end(), batch_of(message(2, "b")));
}

TEST(BatchRequest, HasAHeadOfItsOwn) {
  const WebhookRequest route("/hooks/chat", "app:3000", {{"X-Key", "k"}}, "sockhook/0.1.0");
  std::string head;
  route.append_batch_head(head, "batch-1", "[]", {});
  EXPECT_EQ(head,
            "POST /hooks/chat HTTP/1.1\r\n"
            "Host: app:3000\r\n"
            "X-Key: k\r\n"
            "Via: 1.1 sockhook\r\n"
            "User-Agent: sockhook/0.1.0\r\n"
            "Content-Type: application/cloudevents-batch+json\r\n"
            "Content-Length: 2\r\n"
            "\r\n");
}

TEST(BatchRequest, IsSignedWithAnIdOfItsOwn) {
  const Signer signer({"whsec_a2V5"});
  const WebhookRequest route("/hooks/chat", "app:3000", {}, "sockhook/0.1.0");
  std::string head;
  route.append_batch_head(head, "batch-1", "[]", {&signer, 1'707'487'903});
  EXPECT_THAT(head, HasSubstr("\r\nwebhook-id: batch-1\r\nwebhook-timestamp: 1707487903\r\n"
                              "webhook-signature: " +
                              signer.sign("batch-1", 1'707'487'903, "[]") + "\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("ce-")));
}

}  // namespace
}  // namespace sockhook::webhook
