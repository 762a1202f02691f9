// Groups and users against a model that is too simple to be wrong.

#include "proxy/client/member_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace sockhook::client {
namespace {

// The index never looks at a session: any address will do.
struct Member {
  char address = 0;
  MemberIndex::Places places;
  Session* session() { return reinterpret_cast<Session*>(&address); }
};

using Model = std::map<std::string, std::set<Session*>>;

void expect_equal(MemberIndex& index, const Model& model, std::vector<Member>& members) {
  for (const auto& [name, sessions] : model) {
    MemberIndex::List* list = index.find(name);
    ASSERT_EQ(list != nullptr, !sessions.empty()) << name << " exists while it has members";
    if (list == nullptr) continue;
    std::set<Session*> listed;
    for (const MemberIndex::Member& member : list->members) listed.insert(member.session);
    ASSERT_EQ(listed, sessions);
    ASSERT_EQ(list->members.size(), sessions.size()) << "each of them once";
  }
  for (Member& member : members) {
    std::size_t memberships = 0;
    for (const auto& [name, sessions] : model) {
      const bool is_member = sessions.contains(member.session());
      ASSERT_EQ(MemberIndex::is_member(name, member.places), is_member);
      memberships += is_member ? 1 : 0;
    }
    ASSERT_EQ(member.places.size(), memberships);
    for (const MemberIndex::Place& place : member.places) {
      ASSERT_EQ(place.list->members.at(place.position).session, member.session());
    }
  }
}

TEST(MemberIndex, AgreesWithASetUnderRandomOperations) {
  std::mt19937 random(7);
  const auto below = [&](unsigned bound) { return random() % bound; };
  MemberIndex index(backplane::NameKind::kGroup);
  Model model;
  std::vector<Member> members(12);
  for (int step = 0; step < 20'000; ++step) {
    Member& member = members[below(12)];
    const std::string name = "group" + std::to_string(below(6));
    switch (below(8)) {
      case 0:
        index.leave_all(member.places);
        for (auto& [group, sessions] : model) sessions.erase(member.session());
        break;
      case 1:
      case 2:
      case 3:
        ASSERT_EQ(index.leave(name, member.places), model[name].erase(member.session()) == 1);
        break;
      default:
        ASSERT_EQ(index.join(name, member.session(), member.places),
                  model[name].insert(member.session()).second);
    }
    if (step % 16 == 0) expect_equal(index, model, members);
    if (::testing::Test::HasFatalFailure()) return;
  }
}

TEST(MemberIndex, AVisitorThatLeavesWhileTheListIsWalkedFromTheBackMissesNobody) {
  std::mt19937 random(11);
  for (int round = 0; round < 200; ++round) {
    MemberIndex index(backplane::NameKind::kGroup);
    std::vector<Member> members(20);
    for (Member& member : members) index.join("g", member.session(), member.places);
    std::multiset<Session*> visited;
    MemberIndex::List* list = index.find("g");
    for (std::size_t i = list->members.size(); i-- > 0;) {
      Session* session = list->members[i].session;
      visited.insert(session);
      const auto who = std::find_if(members.begin(), members.end(),
                                    [&](Member& member) { return member.session() == session; });
      if (random() % 2 == 0) index.leave_all(who->places);
      if (i > 0 && (list = index.find("g")) == nullptr) break;
    }
    ASSERT_EQ(visited.size(), members.size());
    for (Member& member : members) ASSERT_EQ(visited.count(member.session()), 1U);
    for (Member& member : members) index.leave_all(member.places);
  }
}

}  // namespace
}  // namespace sockhook::client
