#include <gtest/gtest.h>

#include "protocol/http/cidr.h"
#include "protocol/http/forwarded.h"

namespace sockhook::http {
namespace {

IpAddress address(std::string_view text) { return *IpAddress::parse(text); }

TEST(IpAddress, IsParsedAndWrittenBack) {
  for (const char* const text : {"127.0.0.1", "255.255.255.255", "::1", "::", "2001:db8::1"}) {
    EXPECT_EQ(address(text).to_string(), text);
  }
  EXPECT_EQ(address("2001:DB8:0:0:0:0:0:1").to_string(), "2001:db8::1");
}

TEST(IpAddress, MappedIpv4IsTheSameAsPlain) {
  EXPECT_EQ(address("::ffff:10.1.2.3"), address("10.1.2.3"));
  EXPECT_EQ(address("::ffff:10.1.2.3").to_string(), "10.1.2.3");
  EXPECT_EQ(IpAddressHash()(address("::ffff:10.1.2.3")), IpAddressHash()(address("10.1.2.3")));
}

TEST(IpAddress, OtherTextIsRefused) {
  using namespace std::string_literals;
  for (const std::string& text :
       {""s, "10.1"s, "010.1.2.3"s, "10.1.2.256"s, "10.1.2.3:80"s, "[::1]"s, "::1%lo"s,
        "localhost"s, " 10.1.2.3"s, "10.1.2.3\0x"s, std::string(200, '1')}) {
    EXPECT_EQ(IpAddress::parse(text), std::nullopt) << text;
  }
}

TEST(IpAddress, LoopbackIsKnown) {
  EXPECT_TRUE(address("127.9.9.9").is_loopback());
  EXPECT_TRUE(address("::1").is_loopback());
  EXPECT_FALSE(address("128.0.0.1").is_loopback());
  EXPECT_FALSE(address("::2").is_loopback());
}

TEST(Cidr, MatchesByPrefix) {
  const Cidr ten = *Cidr::parse("10.0.0.0/8");
  EXPECT_TRUE(ten.contains(address("10.255.0.1")));
  EXPECT_TRUE(ten.contains(address("::ffff:10.0.0.1")));
  EXPECT_FALSE(ten.contains(address("11.0.0.0")));
  EXPECT_FALSE(ten.contains(address("a00::")));
  const Cidr odd = *Cidr::parse("192.168.1.77/27");
  EXPECT_TRUE(odd.contains(address("192.168.1.64")));
  EXPECT_TRUE(odd.contains(address("192.168.1.95")));
  EXPECT_FALSE(odd.contains(address("192.168.1.96")));
  const Cidr six = *Cidr::parse("fd00::/9");
  EXPECT_TRUE(six.contains(address("fd7f::1")));
  EXPECT_FALSE(six.contains(address("fd80::1")));
  EXPECT_TRUE(Cidr::parse("::1")->contains(address("::1")));
  EXPECT_FALSE(Cidr::parse("::1")->contains(address("::2")));
}

TEST(Cidr, EverythingOfAFamilyIsItsZeroPrefix) {
  EXPECT_TRUE(Cidr::parse("0.0.0.0/0")->contains(address("203.0.113.1")));
  EXPECT_FALSE(Cidr::parse("0.0.0.0/0")->contains(address("2001:db8::1")));
  EXPECT_TRUE(Cidr::parse("::/0")->contains(address("203.0.113.1")));
}

TEST(Cidr, OtherTextIsRefused) {
  for (const char* const text :
       {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0.0/+8", "::/129",
        "10/8", "10.0.0.0/8/8", "10.0.0.0/99999999999"}) {
    EXPECT_EQ(Cidr::parse(text), std::nullopt) << text;
  }
}

class ForwardedFor : public ::testing::Test {
 protected:
  std::string client(std::initializer_list<Header> fields, std::string_view peer = "10.0.0.1") {
    return resolve_forwarded(address(peer), Headers(fields), trusted_, "http").client.to_string();
  }
  const std::vector<Cidr> trusted_ = {*Cidr::parse("10.0.0.0/8"), *Cidr::parse("fd00::/8")};
};

TEST_F(ForwardedFor, AnUntrustedPeerIsTheClientWhateverItSays) {
  EXPECT_EQ(client({{"X-Forwarded-For", "1.2.3.4"}}, "192.0.2.9"), "192.0.2.9");
}

TEST_F(ForwardedFor, TheRightMostUntrustedHopIsTheClient) {
  EXPECT_EQ(client({{"X-Forwarded-For", "6.6.6.6, 1.2.3.4, 10.9.9.9"}}), "1.2.3.4");
  EXPECT_EQ(client({{"X-Forwarded-For", "6.6.6.6"}, {"x-forwarded-for", "1.2.3.4,fd00::1"}}),
            "1.2.3.4");
  EXPECT_EQ(client({{"X-Forwarded-For", "1.2.3.4"}, {"X-Forwarded-For", "10.9.9.9"}}), "1.2.3.4");
}

TEST_F(ForwardedFor, WhereAllAreTrustedTheLeftMostIsTheClient) {
  EXPECT_EQ(client({{"X-Forwarded-For", "10.2.2.2, 10.3.3.3"}}), "10.2.2.2");
  EXPECT_EQ(client({}), "10.0.0.1");
}

TEST_F(ForwardedFor, PortsAndBracketsAreUnderstood) {
  EXPECT_EQ(client({{"X-Forwarded-For", "1.2.3.4:5678"}}), "1.2.3.4");
  EXPECT_EQ(client({{"X-Forwarded-For", "[2001:db8::1]:5678"}}), "2001:db8::1");
  EXPECT_EQ(client({{"X-Forwarded-For", "[2001:db8::1]"}}), "2001:db8::1");
  EXPECT_EQ(client({{"X-Forwarded-For", "2001:db8::1"}}), "2001:db8::1");
}

TEST_F(ForwardedFor, AMalformedHopEndsTheWalk) {
  EXPECT_EQ(client({{"X-Forwarded-For", "1.2.3.4, unknown"}}), "10.0.0.1");
  EXPECT_EQ(client({{"X-Forwarded-For", "1.2.3.4, , 10.9.9.9"}}), "10.9.9.9");
  EXPECT_EQ(client({{"X-Forwarded-For", "1.2.3.4, [::1"}}), "10.0.0.1");
  EXPECT_EQ(client({{"X-Forwarded-For", "1.2.3.4, [::1]x"}}), "10.0.0.1");
}

TEST_F(ForwardedFor, ProtoAndHostAreBelievedFromTrustedPeersOnly) {
  const Headers headers{{"Host", "inner"},
                        {"X-Forwarded-Proto", "http, HTTPS"},
                        {"X-Forwarded-Host", "forged, outer.example"}};
  const Forwarded believed = resolve_forwarded(address("10.0.0.1"), headers, trusted_, "http");
  EXPECT_EQ(believed.proto, "https");
  EXPECT_EQ(believed.host, "outer.example");
  const Forwarded own = resolve_forwarded(address("192.0.2.1"), headers, trusted_, "http");
  EXPECT_EQ(own.proto, "http");
  EXPECT_EQ(own.host, "inner");
}

TEST_F(ForwardedFor, ANonsenseProtoIsIgnored) {
  const Headers headers{{"X-Forwarded-Proto", "gopher"}};
  EXPECT_EQ(resolve_forwarded(address("10.0.0.1"), headers, trusted_, "https").proto, "https");
}

}  // namespace
}  // namespace sockhook::http
