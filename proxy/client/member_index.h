// MemberIndex: name -> the sessions that go by it. One instance for groups, one for users.
//
// A session remembers its place in each list, so that joining and leaving cost O(1) whatever the
// size of the group. Lists are walked from the back, which makes it safe for the visited session
// (and only that one) to leave meanwhile: the last element, already visited, takes its place.
//
// In a cluster the journal is told who goes by which name.
//
// Owner: the Hub. Thread: its worker's. A name exists while it has members.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "proxy/routing/connection_journal.h"

namespace sockhook::client {

class Session;

class MemberIndex {
 public:
  struct List;
  // One membership, kept by the session.
  struct Place {
    List* list;
    std::size_t position;
  };
  using Places = std::vector<Place>;

  struct Member {
    Session* session;
    Places* places;  // the session's own, so that a swap can correct its place
  };
  struct List {
    std::string name;
    std::vector<Member> members;
  };

  // `journal`: null without a cluster.
  explicit MemberIndex(backplane::NameKind kind, routing::ConnectionJournal* journal = nullptr)
      : kind_(kind), journal_(journal) {}

  // False: the session is a member already.
  bool join(std::string_view name, Session* session, Places& places);
  // False: it is none.
  bool leave(std::string_view name, Places& places);
  void leave_all(Places& places);

  // Null when nobody goes by that name.
  List* find(std::string_view name);
  static bool is_member(std::string_view name, const Places& places);

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  void remove(Place place);

  const backplane::NameKind kind_;
  routing::ConnectionJournal* const journal_;
  // Nodes are stable, so places may point into them.
  std::unordered_map<std::string, List, Hash, std::equal_to<>> lists_;
};

}  // namespace sockhook::client
