#include "proxy/keys/key_file_text.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "protocol/auth/key_set.h"

namespace sockhook::keys {
namespace {

Failure<std::string> unreadable() {
  return Failure{"cannot be read: " + std::generic_category().message(errno)};
}

Result<std::string, std::string> read_all(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return unreadable();
  if (!S_ISREG(status.st_mode)) return Failure{std::string("is no file")};
  std::string text(auth::KeySet::kMaxJwksBytes + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(fd, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unreadable();
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  text.resize(size);  // of one that is too large, enough for the parser to say so
  return text;
}

}  // namespace

Result<std::string, std::string> read_key_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return unreadable();
  auto text = read_all(fd);
  ::close(fd);
  return text;
}

}  // namespace sockhook::keys
