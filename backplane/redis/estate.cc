#include "backplane/redis/estate.h"

#include <algorithm>

namespace sockhook::backplane {

bool Estate::is_all_done() const {
  return list == Step::kDone && open.empty() && finished.empty() &&
         std::all_of(names.begin(), names.end(), [](Step step) { return step == Step::kDone; });
}

void Estate::read_again() {
  list = Step::kToDo;
  cursor = std::string(kFront);
}

void Estate::interrupt() {
  read_again();
  std::replace(names.begin(), names.end(), Step::kUnderWay, Step::kToDo);
  end = Step::kToDo;
}

}  // namespace sockhook::backplane
