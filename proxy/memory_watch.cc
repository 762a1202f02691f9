#include "proxy/memory_watch.h"

#include <fstream>
#include <utility>

namespace sockhook {
namespace {

// v1 says "no limit" by a number near the largest; so does nothing that has a real one.
constexpr uint64_t kNoLimit = uint64_t{1} << 60;

}  // namespace

MemoryWatch::MemoryWatch(std::string root) : root_(std::move(root)) {}

std::optional<uint64_t> MemoryWatch::read_number(const std::string& file) const {
  std::ifstream stream(root_ + file);
  uint64_t value = 0;
  if (!(stream >> value)) return std::nullopt;  // absent, or "max"
  return value;
}

std::optional<uint64_t> MemoryWatch::read_stat(const std::string& file,
                                               const std::string& key) const {
  std::ifstream stream(root_ + file);
  std::string name;
  uint64_t value = 0;
  while (stream >> name >> value) {
    if (name == key) return value;
  }
  return std::nullopt;
}

std::optional<unsigned> MemoryWatch::used_percent() const {
  struct Layout {
    const char* limit;
    const char* usage;
    const char* stat;
    const char* cache;
  };
  constexpr Layout kLayouts[] = {
      {"/memory.max", "/memory.current", "/memory.stat", "inactive_file"},
      {"/memory/memory.limit_in_bytes", "/memory/memory.usage_in_bytes", "/memory/memory.stat",
       "total_inactive_file"}};
  for (const Layout& layout : kLayouts) {
    const auto limit = read_number(layout.limit);
    const auto usage = read_number(layout.usage);
    if (!limit || !usage || *limit == 0 || *limit >= kNoLimit) continue;
    const uint64_t cache = read_stat(layout.stat, layout.cache).value_or(0);
    const uint64_t used = *usage > cache ? *usage - cache : 0;
    return static_cast<unsigned>(used * 100 / *limit);
  }
  return std::nullopt;
}

}  // namespace sockhook
