#include "proxy/net/loop.h"

#include <chrono>
#include <csignal>

#include "proxy/net/tls_buffers.h"

namespace sockhook::net {
namespace {

// Parsers of JSON may read this much past the data.
constexpr std::size_t kReadSlackBytes = 64;

uv_loop_t* initialised(uv_loop_t* loop) {
  // A write to a peer that is gone is an error of that write, not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  SOCKHOOK_CHECK(uv_loop_init(loop) == 0);
  return loop;
}

}  // namespace

Loop::Loop()
    : deadlines_(initialised(&loop_)),
      soon_(&loop_),
      read_buffer_(std::make_unique<char[]>(kReadBufferBytes + kReadSlackBytes)),
      thread_(std::this_thread::get_id()) {}

Loop::~Loop() { SOCKHOOK_CHECK(uv_loop_close(&loop_) == 0); }

void Loop::run() {
  assert_thread();
  uv_run(&loop_, UV_RUN_DEFAULT);
}

void Loop::close() {
  deadlines_.close();
  soon_.close();
}

TlsBuffers& Loop::tls_buffers() {
  if (!tls_buffers_) tls_buffers_ = std::make_unique<TlsBuffers>();
  return *tls_buffers_;
}

int64_t Loop::wall_ms() {
  using std::chrono::system_clock;
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             system_clock::now().time_since_epoch())
      .count();
}

}  // namespace sockhook::net
