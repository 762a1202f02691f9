// The limits of the node as a whole (contract 2: `connections`, `handshakes_per_second`, `limits`).

#include "proxy/client/admission.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace sockhook::client {
namespace {

class AdmissionTest : public ::testing::Test {
 protected:
  AdmissionTest() { endpoint.name = "chat"; }
  static http::IpAddress ip(std::string_view text) { return *http::IpAddress::parse(text); }

  conf::Endpoint endpoint;
  const http::IpAddress ann = ip("192.0.2.1");
  const http::IpAddress bob = ip("192.0.2.2");
};

TEST_F(AdmissionTest, TheNodeTakesSoManyConnectionsAndNoMore) {
  Admission admission(2, std::nullopt);
  EXPECT_EQ(admission.enter(endpoint, ann), AdmissionResult::kAdmitted);
  EXPECT_EQ(admission.enter(endpoint, bob), AdmissionResult::kAdmitted);
  EXPECT_EQ(admission.enter(endpoint, bob), AdmissionResult::kNodeFull);
  admission.leave(endpoint, ann, "");
  EXPECT_EQ(admission.enter(endpoint, bob), AdmissionResult::kAdmitted);
  EXPECT_EQ(admission.connections(), 2U);
}

TEST_F(AdmissionTest, GuestsAndConnectionsTogetherHaveALimit) {
  Admission admission(2, std::nullopt);
  admission.limit_sockets(3);
  EXPECT_TRUE(admission.welcome_guest());
  EXPECT_TRUE(admission.welcome_guest());
  EXPECT_EQ(admission.enter(endpoint, ann), AdmissionResult::kAdmitted);
  EXPECT_FALSE(admission.welcome_guest()) << "there are three sockets already";
  admission.part_with_guest();
  admission.part_with_guest();
  EXPECT_TRUE(admission.welcome_guest());
  admission.leave(endpoint, ann, "");
  EXPECT_TRUE(admission.welcome_guest());
  EXPECT_FALSE(admission.welcome_guest());
}

TEST_F(AdmissionTest, AnEndpointsLimitIsItsOwn) {
  endpoint.limits.connections = 1;
  conf::Endpoint other = endpoint;
  other.name = "news";
  Admission admission(10, std::nullopt);
  EXPECT_EQ(admission.enter(endpoint, ann), AdmissionResult::kAdmitted);
  EXPECT_EQ(admission.enter(endpoint, bob), AdmissionResult::kEndpointFull);
  EXPECT_EQ(admission.enter(other, bob), AdmissionResult::kAdmitted);
  admission.leave(endpoint, ann, "");
  EXPECT_EQ(admission.enter(endpoint, bob), AdmissionResult::kAdmitted);
}

TEST_F(AdmissionTest, AnAddressMayHaveSoManyConnectionsOfAnEndpoint) {
  endpoint.limits.connections_per_ip = 2;
  endpoint.limits.connections = 3;
  Admission admission(10, std::nullopt);
  EXPECT_EQ(admission.enter(endpoint, ann), AdmissionResult::kAdmitted);
  EXPECT_EQ(admission.enter(endpoint, ann), AdmissionResult::kAdmitted);
  EXPECT_EQ(admission.enter(endpoint, ann), AdmissionResult::kAddressFull);
  EXPECT_EQ(admission.enter(endpoint, bob), AdmissionResult::kAdmitted)
      << "who was turned away holds no place of the endpoint";
  EXPECT_EQ(admission.connections(), 3U);
  for (const http::IpAddress& client : {ann, ann, bob}) admission.leave(endpoint, client, "");
  EXPECT_EQ(admission.connections(), 0U);
  EXPECT_EQ(admission.enter(endpoint, ann), AdmissionResult::kAdmitted);
}

TEST_F(AdmissionTest, AUserMayHaveSoManyConnections) {
  endpoint.limits.connections_per_user = 1;
  Admission admission(10, std::nullopt);
  EXPECT_EQ(admission.enter_user(endpoint, "ann"), AdmissionResult::kAdmitted);
  EXPECT_EQ(admission.enter_user(endpoint, "ann"), AdmissionResult::kUserFull);
  EXPECT_EQ(admission.enter_user(endpoint, "bob"), AdmissionResult::kAdmitted);
  admission.enter(endpoint, ann);
  admission.leave(endpoint, ann, "ann");
  EXPECT_EQ(admission.enter_user(endpoint, "ann"), AdmissionResult::kAdmitted);
}

TEST_F(AdmissionTest, ALimitOfZeroLetsNobodyIn) {
  endpoint.limits.connections = 0;
  Admission admission(10, std::nullopt);
  EXPECT_EQ(admission.enter(endpoint, ann), AdmissionResult::kEndpointFull);
}

TEST_F(AdmissionTest, HandshakesPerSecondIsABucketOfOneSecond) {
  Admission admission(10, 2.0);
  EXPECT_TRUE(admission.take_handshake(1000));
  EXPECT_TRUE(admission.take_handshake(1000));
  EXPECT_FALSE(admission.take_handshake(1000));
  EXPECT_FALSE(admission.take_handshake(1400));
  EXPECT_TRUE(admission.take_handshake(1501));
  EXPECT_FALSE(admission.take_handshake(1501));
  EXPECT_TRUE(admission.take_handshake(60'000));
  EXPECT_TRUE(admission.take_handshake(60'000));
  EXPECT_FALSE(admission.take_handshake(60'000)) << "a long silence fills no more than the bucket";
}

TEST_F(AdmissionTest, AClockThatIsALittleBehindGivesNothingAway) {
  Admission admission(10, 1.0);
  EXPECT_TRUE(admission.take_handshake(5000));
  EXPECT_FALSE(admission.take_handshake(4000));
  EXPECT_FALSE(admission.take_handshake(5500));
}

TEST_F(AdmissionTest, FewerThanOneHandshakePerSecondIsPossible) {
  Admission admission(10, 0.5);
  EXPECT_TRUE(admission.take_handshake(1000));
  EXPECT_FALSE(admission.take_handshake(2000));
  EXPECT_TRUE(admission.take_handshake(3001));
}

TEST_F(AdmissionTest, CountsAreRightWhateverThreadsCome) {
  endpoint.limits.connections = 100;
  endpoint.limits.connections_per_ip = 100;
  Admission admission(100, std::nullopt);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 5000; ++n) {
        if (admission.enter(endpoint, ann) == AdmissionResult::kAdmitted) {
          admission.leave(endpoint, ann, "");
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(admission.connections(), 0U);
}

}  // namespace
}  // namespace sockhook::client
