#include "conf/reader/addresses.h"

#include <gtest/gtest.h>

namespace sockhook::conf {
namespace {

TEST(Addresses, AListenerHasAnIpAddressAndAPortOrAUnixPath) {
  EXPECT_EQ(*parse_address("0.0.0.0:7080"), (Address{"0.0.0.0", 7080, ""}));
  EXPECT_EQ(*parse_address("[::1]:80"), (Address{"::1", 80, ""}));
  EXPECT_EQ(*parse_address("localhost:80"), (Address{"127.0.0.1", 80, ""}));
  EXPECT_EQ(*parse_address("unix:/run/a.sock"), (Address{"", 0, "/run/a.sock"}));
}

TEST(Addresses, AnythingElseForAListenerIsRefusedWithTheReason) {
  EXPECT_EQ(parse_address("7080").error(), "has no port");
  EXPECT_EQ(parse_address(":7080").error(), "has no host");
  EXPECT_EQ(parse_address("example.com:7080").error(), "has no IP address");
  EXPECT_EQ(parse_address("1.2.3:7080").error(), "has no IP address");
  EXPECT_EQ(parse_address("::1:7080").error(), "has an IPv6 address without [ and ]");
  EXPECT_EQ(parse_address("[::1").error(), "has a [ without a ]");
  EXPECT_EQ(parse_address("[::1]7080").error(), "has something after the ]");
  EXPECT_EQ(parse_address("[1.2.3.4]:7080").error(), "has no IPv6 address between [ and ]");
  EXPECT_EQ(parse_address("0.0.0.0:0").error(), "has a port that is not 1 to 65535");
  EXPECT_EQ(parse_address("0.0.0.0:70000").error(), "has a port that is not 1 to 65535");
  EXPECT_EQ(parse_address("0.0.0.0:080").error(), "has a port that is not 1 to 65535");
  EXPECT_EQ(parse_address("unix:run/a").error(), "has no absolute path");
  EXPECT_EQ(parse_address("unix:/" + std::string(107, 'a')).error(),
            "has a path of more than 107 bytes");
}

TEST(Addresses, KnowTheLoopback) {
  EXPECT_TRUE(parse_address("127.0.0.1:1")->is_loopback());
  EXPECT_TRUE(parse_address("127.9.9.9:1")->is_loopback());
  EXPECT_TRUE(parse_address("[::1]:1")->is_loopback());
  EXPECT_FALSE(parse_address("0.0.0.0:1")->is_loopback());
  EXPECT_FALSE(parse_address("[::]:1")->is_loopback());
  EXPECT_FALSE(parse_address("10.0.0.1:1")->is_loopback());
}

TEST(Addresses, AreWrittenAsTheyAreRead) {
  for (const char* text : {"0.0.0.0:7080", "[::1]:80", "unix:/run/a.sock"}) {
    EXPECT_EQ(parse_address(text)->to_string(), text);
  }
}

TEST(BackendUrls, HaveSchemeHostPortAndPrefix) {
  const BackendUrl plain = *parse_backend_url("http://app");
  EXPECT_EQ(plain.host, "app");
  EXPECT_EQ(plain.port, 80);
  EXPECT_EQ(plain.path_prefix, "");
  EXPECT_EQ(plain.authority, "app");
  EXPECT_FALSE(plain.https);

  const BackendUrl full = *parse_backend_url("HTTPS://my_app.svc.cluster.local.:8443/api/v1/");
  EXPECT_TRUE(full.https);
  EXPECT_EQ(full.host, "my_app.svc.cluster.local.");
  EXPECT_EQ(full.port, 8443);
  EXPECT_EQ(full.path_prefix, "/api/v1");
  EXPECT_EQ(full.authority, "my_app.svc.cluster.local.:8443");

  const BackendUrl v6 = *parse_backend_url("http://[::1]:3000/");
  EXPECT_EQ(v6.host, "::1");
  EXPECT_EQ(v6.path_prefix, "");
  EXPECT_EQ(v6.authority, "[::1]:3000");

  EXPECT_EQ(parse_backend_url("https://app")->port, 443);
  EXPECT_EQ(parse_backend_url("http://app:80")->authority, "app");
}

TEST(BackendUrls, MayNameAUnixSocket) {
  const BackendUrl url = *parse_backend_url("http+unix://%2Frun%2Fapp.sock/prefix");
  EXPECT_TRUE(url.is_unix());
  EXPECT_EQ(url.unix_path, "/run/app.sock");
  EXPECT_EQ(url.path_prefix, "/prefix");
  EXPECT_EQ(url.authority, "localhost");
  EXPECT_FALSE(url.https);
}

TEST(BackendUrls, InOtherFormsAreRefusedWithTheReason) {
  EXPECT_EQ(parse_backend_url("app:3000").error(), "is no URL");
  EXPECT_EQ(parse_backend_url("ftp://app").error(), "has the unknown scheme ftp");
  EXPECT_EQ(parse_backend_url("ws://app").error(), "has the unknown scheme ws");
  EXPECT_EQ(parse_backend_url("http://").error(), "has no host");
  EXPECT_EQ(parse_backend_url("http:///x").error(), "has no host");
  EXPECT_EQ(parse_backend_url("http://a b").error(), "has an invalid host");
  EXPECT_EQ(parse_backend_url("http://a..b").error(), "has an invalid host");
  EXPECT_EQ(parse_backend_url("http://256.1.1.1").error(), "has an invalid host");
  EXPECT_EQ(parse_backend_url("http://app:0").error(), "has a port that is not 1 to 65535");
  EXPECT_EQ(parse_backend_url("http://app:").error(), "has a port that is not 1 to 65535");
  EXPECT_EQ(parse_backend_url("http://app/x?y=1").error(), "has a query");
  EXPECT_EQ(parse_backend_url("http://app/x#y").error(), "has a fragment");
  EXPECT_EQ(parse_backend_url("http://app/../x").error(),
            "has a . or .. or empty segment, %2F or %00");
  EXPECT_EQ(parse_backend_url("http://me:secret@app").error(),
            "has a user; credentials go into headers");
  EXPECT_EQ(parse_backend_url("http+unix://run/app").error(), "has no absolute path");
  EXPECT_EQ(parse_backend_url("http+unix://%2").error(),
            "has a % that is not followed by two hex digits");
}

TEST(RequestPaths, MustFitIntoARequestLine) {
  EXPECT_FALSE(why_no_request_path("/hooks/message?key=a%20b"));
  EXPECT_FALSE(why_no_request_path("/2015-03-31/functions/function/invocations"));
  EXPECT_EQ(why_no_request_path("hooks"), "does not begin with /");
  EXPECT_EQ(why_no_request_path("/a b"), "has a character that must be percent-encoded");
  EXPECT_EQ(why_no_request_path("/\xC3\xA9"), "has a character that must be percent-encoded");
  EXPECT_EQ(why_no_request_path("/${name}"), "has a {, which must be percent-encoded");
  EXPECT_EQ(why_no_request_path("/a#b"), "has a fragment");
  EXPECT_EQ(why_no_request_path("/a%2"), "has a % that is not followed by two hex digits");
  EXPECT_EQ(why_no_request_path("/a//b"), "has a . or .. or empty segment, %2F or %00");
}

TEST(Origins, AreKeptAsBrowsersSendThem) {
  EXPECT_EQ(*parse_origin("https://example.com"), "https://example.com");
  EXPECT_EQ(*parse_origin("HTTPS://Example.COM:443"), "https://example.com");
  EXPECT_EQ(*parse_origin("http://example.com:80"), "http://example.com");
  EXPECT_EQ(*parse_origin("http://example.com:8080"), "http://example.com:8080");
  EXPECT_EQ(*parse_origin("https://*.example.com:8443"), "https://*.example.com:8443");
  EXPECT_EQ(*parse_origin("http://[::1]:3000"), "http://[::1]:3000");
  EXPECT_EQ(*parse_origin("chrome-extension://abcdef"), "chrome-extension://abcdef");
  EXPECT_EQ(*parse_origin("null"), "null");
}

TEST(Origins, InOtherFormsAreRefusedWithTheReason) {
  EXPECT_EQ(parse_origin("example.com").error(), "has no scheme");
  EXPECT_EQ(parse_origin("*").error(), "would allow any origin; leave the list empty for that");
  EXPECT_EQ(parse_origin("https://example.com/").error(), "has a path, which an origin never has");
  EXPECT_EQ(parse_origin("https://me@example.com").error(),
            "has a user, which an origin never has");
  EXPECT_EQ(parse_origin("https://a.*.com").error(), "has a * elsewhere than as the first label");
  EXPECT_EQ(parse_origin("https://*example.com").error(),
            "has a * elsewhere than as the first label");
  EXPECT_EQ(parse_origin("*://example.com").error(), "has an invalid scheme");
}

TEST(RedisUrls, TellServerUserPasswordAndDatabase) {
  const Redis plain = *parse_redis_url("redis://127.0.0.1");
  EXPECT_EQ(plain.server, (HostPort{"127.0.0.1", 6379}));
  EXPECT_FALSE(plain.tls);
  EXPECT_FALSE(plain.password);

  const Redis full = *parse_redis_url("rediss://me:p%40ss@[::1]:6380/2");
  EXPECT_TRUE(full.tls);
  EXPECT_EQ(full.user, "me");
  EXPECT_EQ(full.password, "p@ss");
  EXPECT_EQ(full.server, (HostPort{"::1", 6380}));
  EXPECT_EQ(full.database, 2U);

  EXPECT_FALSE(parse_redis_url("redis://:secret@host")->user);
}

TEST(RedisUrls, AreRefusedWithoutShowingTheirPassword) {
  EXPECT_EQ(parse_redis_url("localhost:6379").error(), "is no URL");
  EXPECT_EQ(parse_redis_url("http://h").error(), "has an unknown scheme");
  EXPECT_EQ(parse_redis_url("redis://me@h").error(), "has a user without a password");
  EXPECT_EQ(parse_redis_url("redis://h:secret").error(), "has an invalid host or port");
  EXPECT_EQ(parse_redis_url("redis://h/x").error(),
            "has something else than a database number after the /");
}

TEST(HttpUrls, AreTakenApart) {
  const auto plain = parse_http_url("http://collector:4318/v1/traces");
  ASSERT_TRUE(plain);
  EXPECT_FALSE(plain->https);
  EXPECT_EQ(plain->server, (HostPort{"collector", 4318}));
  EXPECT_EQ(plain->authority, "collector:4318");
  EXPECT_EQ(plain->target, "/v1/traces");
  const auto encrypted = parse_http_url("https://[::1]/keys?p=tenant");
  ASSERT_TRUE(encrypted);
  EXPECT_TRUE(encrypted->https);
  EXPECT_EQ(encrypted->server, (HostPort{"::1", 443}));
  EXPECT_EQ(encrypted->authority, "[::1]");
  EXPECT_EQ(encrypted->target, "/keys?p=tenant");
  EXPECT_EQ(encrypted->to_string(), "https://[::1]/keys");
  EXPECT_EQ(parse_http_url("https://login.example.com")->target, "/");
}

TEST(HttpUrls, AreRefused) {
  EXPECT_EQ(parse_http_url("collector:4318").error(), "is no URL of http or https");
  EXPECT_EQ(parse_http_url("http+unix://%2Fx").error(), "is no URL of http or https");
  EXPECT_EQ(parse_http_url("http://a:b@c").error(), "has a user");
  EXPECT_EQ(parse_http_url("http://c:99999").error(), "has a port that is not 1 to 65535");
  EXPECT_EQ(parse_http_url("http://c/a b").error(), "has a character that must be percent-encoded");
  EXPECT_EQ(parse_http_url("http://c/a#b").error(), "has a fragment");
}

}  // namespace
}  // namespace sockhook::conf
