// What push commands do to the connections of one worker (contract 6, 7).

#include "proxy/client/hub.h"

#include <set>

#include "proxy/client/corks.h"
#include "tests/proxy/client/session_fixture.h"

namespace sockhook::client {
namespace {

using push::Delivery;
using push::PushOutcome;

class HubTest : public SessionTest {
 protected:
  HubTest() {
    // A second endpoint, for scopes and filters.
    conf::Endpoint news = config.endpoints.front();
    news.name = "news";
    news.path.path = "/news";
    config.endpoints.push_back(news);
  }

  Client& open_on(std::size_t endpoint_index, const http::Headers& effects = {}) {
    Client& client = connect({}, {}, endpoint_index);
    answer(client, 200, effects);
    client.take_head();
    return client;
  }
  template <typename Action>
  PushOutcome execute(Action action, push::Scope scope = nullptr) {
    return hub().execute({std::move(action), std::move(scope)});
  }
  static push::Scope only(const std::string& name) {
    return std::make_shared<const std::set<std::string>>(std::set<std::string>{name});
  }
  static push::Send text_to(push::Target target, std::string_view text = "x") {
    return {std::move(target), websocket::encode_frame(Opcode::kText, text), text.size(), nullptr};
  }
  std::vector<std::string> list_all(push::List list, const push::Scope& scope = nullptr) {
    std::vector<std::string> ids;
    for (;;) {
      const PushOutcome page = execute(list, scope);
      EXPECT_LE(page.connections.size(), list.limit);
      for (const push::ConnectionInfo& info : page.connections) ids.push_back(info.id);
      if (!page.next_slot) return ids;
      list.from_slot = *page.next_slot;
    }
  }
};

TEST_F(HubTest, AnIdFindsItsConnectionAndNoOther) {
  Client& client = open();
  EXPECT_EQ(hub().find(client.id)->facts().id, client.id);
  EXPECT_EQ(hub().find(webhook::ConnectionId()), nullptr);
  const auto place = world().ids.locate(client.id);
  const auto forged = world().ids.make(*place, world().random.bytes<12>());
  EXPECT_EQ(hub().find(forged), nullptr) << "the right slot, but not its id";
  const auto elsewhere = world().ids.make({9, place->slot}, world().random.bytes<12>());
  EXPECT_EQ(hub().find(elsewhere), nullptr) << "of another worker";
}

TEST_F(HubTest, ASlotThatIsUsedAgainDoesNotAnswerToTheOldId) {
  Client& old = open();
  old.send_close(1000);
  settle();
  Client& fresh = open();
  EXPECT_EQ(world().ids.locate(old.id)->slot, world().ids.locate(fresh.id)->slot);
  EXPECT_EQ(execute(text_to(push::OneConnection{old.id})).delivery, Delivery::kGone);
  EXPECT_EQ(execute(text_to(push::OneConnection{fresh.id})).delivery, Delivery::kDone);
}

TEST_F(HubTest, ASendToOneTellsWhatBecameOfIt) {
  limits().message_size = 10;
  Client& client = open();
  EXPECT_EQ(execute(text_to(push::OneConnection{client.id}, "hello")).delivery, Delivery::kDone);
  EXPECT_THAT(client.frames(), ElementsAre("text hello"));
  EXPECT_EQ(execute(text_to(push::OneConnection{client.id}, "12345678901")).delivery,
            Delivery::kTooLarge);
  EXPECT_EQ(execute(text_to(push::OneConnection{client.id}), only("news")).delivery,
            Delivery::kForbidden);
  EXPECT_EQ(execute(text_to(push::OneConnection{connect().id})).delivery, Delivery::kHeld);
}

TEST_F(HubTest, ASendToAGroupReachesEachMemberOnce) {
  Client& a = open({{"Sockhook-Join", "g"}});
  Client& b = open({{"Sockhook-Join", "g, other"}});
  Client& outside = open();
  const PushOutcome outcome = execute(text_to(push::GroupMembers{"g"}));
  EXPECT_EQ(outcome.delivered, 2U);
  EXPECT_EQ(outcome.failed, 0U);
  EXPECT_THAT(a.frames(), ElementsAre("text x"));
  EXPECT_THAT(b.frames(), ElementsAre("text x"));
  EXPECT_THAT(outside.frames(), IsEmpty());
  EXPECT_EQ(execute(text_to(push::GroupMembers{"nobody's"})).delivered, 0U);
}

TEST_F(HubTest, ExcludedConnectionsGetNothingAndAreNotCounted) {
  Client& a = open({{"Sockhook-Join", "g"}});
  Client& b = open({{"Sockhook-Join", "g"}});
  push::Send send = text_to(push::GroupMembers{"g"});
  send.excluded = std::make_shared<const std::unordered_set<webhook::ConnectionId>>(
      std::unordered_set<webhook::ConnectionId>{a.id, webhook::ConnectionId()});
  const PushOutcome outcome = execute(std::move(send));
  EXPECT_EQ(outcome.delivered, 1U);
  EXPECT_EQ(outcome.failed, 0U);
  EXPECT_THAT(a.frames(), IsEmpty());
  EXPECT_THAT(b.frames(), ElementsAre("text x"));
}

TEST_F(HubTest, SlowMembersAreClosedInTheMiddleOfAFanOutAndCountAsFailed) {
  limits().send_queue = 10;
  const std::vector<Client*> clients = open_many(20, {{"Sockhook-Join", "g"}});
  for (std::size_t i = 0; i < clients.size(); i += 2) clients[i]->stream->block();
  EXPECT_EQ(execute(text_to(push::GroupMembers{"g"}, "fills it")).delivered, 20U);
  const PushOutcome outcome = execute(text_to(push::GroupMembers{"g"}, "too much"));
  EXPECT_EQ(outcome.delivered, 10U);
  EXPECT_EQ(outcome.failed, 10U);
  EXPECT_EQ(execute(push::CountGroup{"g"}).count, 10U);
}

TEST_F(HubTest, ASendToAUserReachesTheUsersConnections) {
  Client& phone = open({{"Sockhook-User", "ann"}});
  Client& laptop = open({{"Sockhook-User", "ann"}});
  open({{"Sockhook-User", "bob"}});
  EXPECT_EQ(execute(text_to(push::UserConnections{"ann"})).delivered, 2U);
  EXPECT_THAT(phone.frames(), ElementsAre("text x"));
  EXPECT_THAT(laptop.frames(), ElementsAre("text x"));
}

TEST_F(HubTest, ABroadcastReachesAllOfAnEndpointOrAll) {
  open();
  open();
  open_on(1);
  connect();  // not open
  EXPECT_EQ(execute(text_to(push::Everyone{})).delivered, 3U);
  EXPECT_EQ(execute(text_to(push::Everyone{"chat"})).delivered, 2U);
  EXPECT_EQ(execute(text_to(push::Everyone{}), only("news")).delivered, 1U);
}

TEST_F(HubTest, AScopeHidesMembersOfOtherEndpoints) {
  open({{"Sockhook-Join", "g"}, {"Sockhook-User", "ann"}});
  Client& news = open_on(1, {{"Sockhook-Join", "g"}, {"Sockhook-User", "ann"}});
  EXPECT_EQ(execute(text_to(push::GroupMembers{"g"}), only("news")).delivered, 1U);
  EXPECT_EQ(execute(push::CountGroup{"g"}, only("news")).count, 1U);
  EXPECT_EQ(execute(push::CountGroup{"g"}).count, 2U);
  EXPECT_THAT(execute(push::FindUser{"ann"}, only("news")).connection_ids,
              ElementsAre(news.id.to_string()));
}

TEST_F(HubTest, AllConnectionsOfAUserAreClosed) {
  const std::vector<Client*> clients = open_many(5, {{"Sockhook-User", "ann"}});
  EXPECT_EQ(execute(push::Close{push::UserConnections{"ann"}, 4001, "out"}).delivered, 5U);
  for (Client* client : clients) {
    EXPECT_THAT(client->frames(), ElementsAre("close 4001 out"));
  }
  EXPECT_THAT(execute(push::FindUser{"ann"}).connection_ids, IsEmpty());
}

TEST_F(HubTest, ACloseMakesAConnectionGoneAtOnce) {
  Client& client = open();
  const push::OneConnection one{client.id};
  EXPECT_EQ(execute(push::Close{one, 1000, ""}).delivery, Delivery::kDone);
  EXPECT_EQ(execute(push::Close{one, 1000, ""}).delivery, Delivery::kGone);
  EXPECT_EQ(execute(push::Describe{client.id}).delivery, Delivery::kGone);
  EXPECT_EQ(execute(push::Membership{one, "g", true}).delivery, Delivery::kGone);
  EXPECT_THAT(list_all({}), IsEmpty());
}

TEST_F(HubTest, GroupsAreJoinedAndLeftByConnectionAndByUser) {
  Client& a = open({{"Sockhook-User", "ann"}});
  open({{"Sockhook-User", "ann"}});
  EXPECT_EQ(execute(push::Membership{push::OneConnection{a.id}, "g", true}).delivery,
            Delivery::kDone);
  EXPECT_EQ(execute(push::CountGroup{"g"}).count, 1U);
  execute(push::Membership{push::UserConnections{"ann"}, "g", true});
  EXPECT_EQ(execute(push::CountGroup{"g"}).count, 2U) << "who was in it is in it once";
  execute(push::Membership{push::UserConnections{"ann"}, "g", false});
  EXPECT_EQ(execute(push::CountGroup{"g"}).count, 0U);
}

TEST_F(HubTest, AConnectionWhoseConnectRunsIsDescribedButNotListed) {
  Client& client = connect();
  EXPECT_EQ(execute(push::Describe{client.id}).connections.size(), 1U);
  EXPECT_THAT(list_all({}), IsEmpty());
}

TEST_F(HubTest, PagesListEachConnectionThatStaysOnce) {
  const std::vector<Client*> clients = open_many(10);
  push::List list;
  list.limit = 3;
  PushOutcome page = execute(list);
  ASSERT_TRUE(page.next_slot);
  std::multiset<std::string> seen;
  for (const push::ConnectionInfo& info : page.connections) seen.insert(info.id);
  // Between two pages some leave, before and behind the cursor, and others come into their slots.
  clients[0]->send_close(1000);
  clients[5]->send_close(1000);
  settle();
  open();
  open();
  list.from_slot = *page.next_slot;
  for (const std::string& id : list_all(list)) seen.insert(id);
  for (std::size_t i = 0; i < clients.size(); ++i) {
    if (i == 5) continue;  // had left before its page
    EXPECT_EQ(seen.count(clients[i]->id.to_string()), 1U) << i;
  }
}

TEST_F(HubTest, AFullPageWithNothingBehindItIsTheLast) {
  open();
  open();
  push::List list;
  list.limit = 2;
  EXPECT_FALSE(execute(list).next_slot);
  list.limit = 0;
  EXPECT_TRUE(execute(list).next_slot) << "asked for none, it says whether there is one";
}

TEST_F(HubTest, AListFilters) {
  Client& a = open({{"Sockhook-Join", "g"}, {"Sockhook-User", "ann"}});
  Client& b = open_on(1, {{"Sockhook-Join", "g"}});
  push::List by_group, by_user, by_endpoint;
  by_group.group = "g";
  by_user.user = "ann";
  by_endpoint.endpoint = "news";
  EXPECT_THAT(list_all(by_group), ElementsAre(a.id.to_string(), b.id.to_string()));
  EXPECT_THAT(list_all(by_user), ElementsAre(a.id.to_string()));
  EXPECT_THAT(list_all(by_endpoint), ElementsAre(b.id.to_string()));
  EXPECT_THAT(list_all({}, only("chat")), ElementsAre(a.id.to_string()));
}

TEST_F(HubTest, PushesOfOneBatchAreOneWriteForEachSocket) {
  Client& client = open({{"Sockhook-Join", "g"}});
  client.frames();
  {
    const Corks corks(hub(), true);
    execute(text_to(push::OneConnection{client.id}, "1"));
    execute(text_to(push::GroupMembers{"g"}, "2"));
    EXPECT_EQ(client.peer.received, "");
    execute(push::Close{push::OneConnection{client.id}, 1000, ""});
  }
  EXPECT_THAT(client.frames(), ElementsAre("text 1", "text 2", "close 1000"));
}

TEST_F(HubTest, ASinglePushIsWrittenAtOnce) {
  Client& client = open();
  const Corks corks(hub(), false);
  execute(text_to(push::OneConnection{client.id}, "1"));
  EXPECT_THAT(client.frames(), ElementsAre("text 1"));
}

TEST_F(HubTest, AVisitMayEndTheConnectionsThatItMeets) {
  for (int i = 0; i < 5; ++i) connect();
  hub().for_every([](Session& session) { session.kill(); });
  EXPECT_EQ(hub().size(), 0U);
}

}  // namespace
}  // namespace sockhook::client
