// What a Lambda function returns.
//
// Checked: the status is one that HTTP has; whatever is called a header, the answer that we write
// with it is one answer's head; a body is no longer than the text that it came in.

#include "protocol/webhook/lambda_result.h"

#include <cstdint>
#include <string>

#include "protocol/base/check.h"
#include "protocol/http/header_rules.h"
#include "protocol/http/http_parser.h"
#include "protocol/http/http_writer.h"

namespace {

namespace http = sockhook::http;

struct Heads final : http::ResponseListener {
  void on_informational(const http::ResponseHead&) override {}
  void on_head(http::ResponseHead&) override { ++count; }
  void on_body(std::string_view) override {}
  void on_complete(http::Headers&) override {}
  int count = 0;
};

void check_written(const http::Headers& headers) {
  std::string written;
  http::write_response_head(written, 200, {}, http::end_to_end_answer(headers));
  Heads heads;
  http::ResponseParser parser(&heads,
                              {.head_bytes = std::size_t{1} << 20U, .header_count = 10'000});
  const http::ParseResult result = parser.feed(written);
  SOCKHOOK_CHECK(heads.count == 1 && result.consumed == written.size());
  SOCKHOOK_CHECK(result.state == http::ParseState::kNeedMore);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto result = sockhook::webhook::parse_lambda_result(
      std::string(reinterpret_cast<const char*>(data), size));
  if (!result) {
    SOCKHOOK_CHECK(!result.error().empty());
    return 0;
  }
  if (result->status) SOCKHOOK_CHECK(*result->status >= 200 && *result->status <= 599);
  check_written(result->headers);
  SOCKHOOK_CHECK(result->body.size() <= size);
  return 0;
}
