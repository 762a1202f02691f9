// What one node writes another one reads, and nothing that it reads can hurt it.

#include "proxy/journal/record_codec.h"

#include <random>

#include "tests/proxy/journal/journal_fixture.h"

namespace sockhook::journal {
namespace {

class RecordCodecTest : public JournalTest {};

TEST_F(RecordCodecTest, AllThatADisconnectSaysComesBack) {
  const auto facts = make_facts();
  facts->is_secure = true;
  facts->user = "Jos\xc3\xa9";
  facts->state = std::string("\xff\xfe raw \x80 bytes, ") + std::string(4000, 's');
  facts->user_agent = "Mozilla \xe9";
  facts->trace.trace.is_sampled = true;
  facts->trace.tracestate = "a=1,b=2";
  const auto decoded = decode_record(facts->id, encode_record(*facts));
  ASSERT_TRUE(decoded) << decoded.error();
  EXPECT_EQ(decoded->endpoint, "chat");
  EXPECT_FALSE(decoded->ending);
  const routing::ConnectionFacts& read = *decoded->facts;
  EXPECT_EQ(read.id, facts->id);
  EXPECT_EQ(read.user, facts->user);
  EXPECT_EQ(read.state, facts->state);
  EXPECT_EQ(read.client_text, "192.0.2.7");
  EXPECT_EQ(read.proto(), "https");
  EXPECT_EQ(read.host, "example.com:7080");
  EXPECT_EQ(read.user_agent, facts->user_agent);
  EXPECT_EQ(read.trace.trace, facts->trace.trace);
  EXPECT_EQ(read.trace.tracestate, "a=1,b=2");
  EXPECT_EQ(read.handshake_at_ms, facts->handshake_at_ms);
}

TEST_F(RecordCodecTest, AConnectionOfWhichLittleIsKnownComesBackToo) {
  auto facts = make_facts();
  facts->host = facts->user_agent = facts->client_text = "";
  const auto decoded = decode_record(facts->id, encode_record(*facts));
  ASSERT_TRUE(decoded) << decoded.error();
  EXPECT_EQ(decoded->facts->proto(), "http");
  EXPECT_EQ(decoded->facts->host, "");
  EXPECT_EQ(decoded->facts->user, "");
}

TEST_F(RecordCodecTest, ATokensClaimsComeBack) {
  const auto facts = make_facts();
  const routing::FlatClaims claims = {
      {"empty", ""}, {"role", "admin"}, {"sub", "Jos\xc3\xa9"}, {"tree", std::string(3000, 't')}};
  facts->flat_claims = std::make_shared<const routing::FlatClaims>(claims);
  const auto decoded = decode_record(facts->id, encode_record(*facts));
  ASSERT_TRUE(decoded) << decoded.error();
  ASSERT_NE(decoded->facts->flat_claims, nullptr);
  EXPECT_EQ(*decoded->facts->flat_claims, claims);
}

TEST_F(RecordCodecTest, TheEndingComesBack) {
  const auto job = disconnect_of(make_facts());
  const auto decoded = decode_record(job.facts->id, encode_record(job));
  ASSERT_TRUE(decoded) << decoded.error();
  const Ending expected{4001, "enough", webhook::ClosedBy::kBackend, job.time_ms};
  EXPECT_EQ(decoded->ending, expected);
}

TEST_F(RecordCodecTest, FieldsOfALaterVersionArePassedOver) {
  const auto facts = make_facts();
  const auto decoded = decode_record(facts->id, encode_record(*facts) + "?\3new");
  ASSERT_TRUE(decoded) << decoded.error();
  EXPECT_EQ(decoded->endpoint, "chat");
}

TEST_F(RecordCodecTest, WhatIsMalformedIsAnError) {
  const auto error_of = [&](const std::string& data) {
    const auto decoded = decode_record(ids.make({}, {}), data);
    return decoded ? "fine" : decoded.error();
  };
  EXPECT_EQ(error_of(""), "unknown version");
  EXPECT_EQ(error_of("2e\4chat"), "unknown version");
  EXPECT_EQ(error_of("1"), "no endpoint");
  EXPECT_EQ(error_of("1e"), "cut off");
  EXPECT_EQ(error_of("1e\5chat"), "cut off");
  EXPECT_EQ(error_of("1e\xff\xff\xff\xff\xff\xff\xff"), "cut off");
  EXPECT_EQ(error_of("1e\4chat"
                     "t\3abc"),
            "malformed field 't'");
  EXPECT_EQ(error_of("1e\4chat"
                     "b\2x1"),
            "malformed field 'b'");
  EXPECT_EQ(error_of("1e\4chat"
                     "c\6"
                     "100000"),
            "malformed field 'c'");
  EXPECT_EQ(error_of("1e\4chat"
                     "y\3who"),
            "malformed field 'y'");
  EXPECT_EQ(error_of("1e\4chat"
                     "v\1x"),
            "malformed field 'v'");
  EXPECT_EQ(error_of(std::string("1e\4chat"
                                 "n\0",
                                 9)),
            "malformed field 'n'");
  EXPECT_EQ(error_of("1e\4chat"
                     "h\4a\r\nb"),
            "malformed field 'h'")
      << "it becomes a header";
  EXPECT_EQ(error_of("1e\4chat"), "fine");
}

TEST_F(RecordCodecTest, ACutOrBrokenRecordNeverReadsPastItsEnd) {
  const auto job = disconnect_of(make_facts());
  const std::string whole = encode_record(job);
  std::mt19937 generator(11);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    // Exactly as large as it is, so that the address sanitizer sees what is read behind it.
    std::vector<char> bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    static_cast<void>(decode_record(job.facts->id, {bytes.data(), bytes.size()}));
    for (int i = 0; i < 20 && !bytes.empty(); ++i) {
      bytes[generator() % bytes.size()] = static_cast<char>(generator());
      static_cast<void>(decode_record(job.facts->id, {bytes.data(), bytes.size()}));
    }
  }
}

}  // namespace
}  // namespace sockhook::journal
