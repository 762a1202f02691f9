#include "proxy/client/member_index.h"

#include <algorithm>

#include "proxy/client/session.h"

namespace sockhook::client {

bool MemberIndex::is_member(std::string_view name, const Places& places) {
  return std::any_of(places.begin(), places.end(),
                     [name](const Place& place) { return place.list->name == name; });
}

bool MemberIndex::join(std::string_view name, Session* session, Places& places) {
  if (is_member(name, places)) return false;
  auto entry = lists_.find(name);
  if (entry == lists_.end()) {
    entry = lists_.emplace(std::string(name), List{std::string(name), {}}).first;
  }
  List& list = entry->second;
  places.push_back({&list, list.members.size()});
  list.members.push_back({session, &places});
  if (journal_ != nullptr) journal_->named(kind_, list.name, session->facts().id, true);
  return true;
}

bool MemberIndex::leave(std::string_view name, Places& places) {
  const auto place = std::find_if(places.begin(), places.end(), [name](const Place& candidate) {
    return candidate.list->name == name;
  });
  if (place == places.end()) return false;
  const Place left = *place;
  places.erase(place);
  remove(left);
  return true;
}

void MemberIndex::leave_all(Places& places) {
  Places left;
  left.swap(places);
  for (const Place& place : left) remove(place);
}

void MemberIndex::remove(Place place) {
  std::vector<Member>& members = place.list->members;
  if (journal_ != nullptr) {
    const Session& left = *members[place.position].session;
    journal_->named(kind_, place.list->name, left.facts().id, false);
  }
  if (place.position + 1 != members.size()) {
    Member& moved = members[place.position] = members.back();
    const auto its_place =
        std::find_if(moved.places->begin(), moved.places->end(),
                     [&](const Place& candidate) { return candidate.list == place.list; });
    its_place->position = place.position;
  }
  members.pop_back();
  if (members.empty()) lists_.erase(lists_.find(place.list->name));
}

MemberIndex::List* MemberIndex::find(std::string_view name) {
  const auto entry = lists_.find(name);
  return entry == lists_.end() ? nullptr : &entry->second;
}

}  // namespace sockhook::client
