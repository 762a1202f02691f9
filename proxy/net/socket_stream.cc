#include "proxy/net/socket_stream.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "proxy/net/write_queue.h"

namespace sockhook::net {
namespace {

uv_buf_t buffer_of(std::string_view bytes) {
  return uv_buf_init(const_cast<char*>(bytes.data()), static_cast<unsigned>(bytes.size()));
}

// Of this thread's loop: the stream that has filled the buffer in the event under way, which was
// its turn. A socket that is filled as fast as it is read must not keep the loop to itself.
thread_local const SocketStream* has_had_its_turn = nullptr;

}  // namespace

// What a full socket waits with.
struct SocketStream::Output {
  WriteQueue waiting;
  std::vector<WriteQueue::Item> writing;  // with libuv
  uv_write_t write_request;
  uv_connect_t connect_request;
  ConnectListener* connect_listener = nullptr;
  uv_shutdown_t shutdown_request;
  bool is_connecting = false;
};

SocketStream::SocketStream(Loop& loop, bool is_unix, StreamListener* listener)
    : loop_(loop), listener_(listener) {
  loop.assert_thread();
  const int error =
      is_unix ? uv_pipe_init(loop.uv(), &handle_.pipe, 0) : uv_tcp_init(loop.uv(), &handle_.tcp);
  SOCKHOOK_CHECK(error == 0);
  handle_.handle.data = this;
}

SocketStream::~SocketStream() { SOCKHOOK_CHECK(handle_.handle.data == nullptr); }

bool SocketStream::accept(const Incoming& incoming) {
  int error = 0;
  if (incoming.server != nullptr) {
    error = uv_accept(incoming.server, stream());
  } else if (incoming.is_unix) {
    error = uv_pipe_open(&handle_.pipe, incoming.fd);
  } else {
    error = uv_tcp_open(&handle_.tcp, incoming.fd);
  }
  if (error != 0) return false;
  if (handle_.handle.type == UV_TCP) uv_tcp_nodelay(&handle_.tcp, 1);
  return true;
}

int SocketStream::connect(const SocketAddress& address, ConnectListener* listener) {
  loop_.assert_thread();
  Output& out = output();
  out.is_connecting = true;
  out.connect_listener = listener;
  out.connect_request.data = this;
  const auto done = [](uv_connect_t* request, int status) {
    static_cast<SocketStream*>(request->data)->on_connected(status);
  };
  if (handle_.handle.type == UV_NAMED_PIPE) {
    const std::string path = address.to_string().substr(sizeof("unix:") - 1);
    uv_pipe_connect(&out.connect_request, &handle_.pipe, path.c_str(), done);
    return 0;
  }
  const int error = uv_tcp_connect(&out.connect_request, &handle_.tcp, address.get(), done);
  if (error != 0) output_.reset();
  return error;
}

void SocketStream::on_connected(int status) {
  ConnectListener* listener = std::exchange(output_->connect_listener, nullptr);
  output_->is_connecting = false;
  if (is_closing()) return;
  if (status == 0 && handle_.handle.type == UV_TCP) uv_tcp_nodelay(&handle_.tcp, 1);
  if (output_->waiting.empty()) {
    output_.reset();
  } else if (status == 0) {
    write_next_batch();
  }
  listener->on_connected(status);
}

SocketAddress SocketStream::peer() const {
  sockaddr_storage storage{};
  if (handle_.handle.type != UV_TCP) return {};
  int length = sizeof(storage);
  if (uv_tcp_getpeername(&handle_.tcp, reinterpret_cast<sockaddr*>(&storage), &length) != 0) {
    return {};
  }
  return SocketAddress::from(reinterpret_cast<const sockaddr*>(&storage),
                             static_cast<socklen_t>(length));
}

void SocketStream::start_reading() {
  if (is_reading_ || has_ended_ || is_closing()) return;
  is_reading_ = true;
  uv_read_start(
      stream(),
      [](uv_handle_t* handle, size_t, uv_buf_t* buffer) {
        auto* self = static_cast<SocketStream*>(handle->data);
        // libuv would read on, 32 times. Without a buffer it goes on to the others.
        const bool is_over = std::exchange(has_had_its_turn, nullptr) == self;
        *buffer = is_over ? uv_buf_init(nullptr, 0)
                          : uv_buf_init(self->loop_.read_buffer(), Loop::kReadBufferBytes);
      },
      [](uv_stream_t* handle, ssize_t size, const uv_buf_t* buffer) {
        static_cast<SocketStream*>(handle->data)->on_read(size, buffer);
      });
}

void SocketStream::stop_reading() {
  if (!is_reading_) return;
  is_reading_ = false;
  uv_read_stop(stream());
}

void SocketStream::on_read(ssize_t size, const uv_buf_t* buffer) {
  if (size == 0 || size == UV_ENOBUFS) return;  // EAGAIN, or it has had its turn
  if (size > 0) {
    if (size == static_cast<ssize_t>(Loop::kReadBufferBytes)) has_had_its_turn = this;
    listener_->on_read({buffer->base, static_cast<std::size_t>(size)});
    return;
  }
  // libuv takes no writes after a read has failed, either.
  if (size != UV_EOF) write_error_ = static_cast<int>(size);
  end(size == UV_EOF ? pending_error() : write_error_);
}

// libuv reports EOF for a hang-up behind the last data also where the peer has reset the
// connection: an answer that was cut would look whole.
int SocketStream::pending_error() const {
  uv_os_fd_t fd = -1;
  int error = 0;
  socklen_t length = sizeof(error);
  if (uv_fileno(&handle_.handle, &fd) != 0) return 0;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) return 0;
  return uv_translate_sys_error(error);
}

void SocketStream::end(int error) {
  if (has_ended_ || is_closing()) return;
  has_ended_ = true;
  stop_reading();
  listener_->on_end(error != 0 ? error : write_error_);
}

SocketStream::Output& SocketStream::output() {
  if (!output_) output_ = std::make_unique<Output>();
  return *output_;
}

// Returns how many bytes the kernel took. Errors show in the queued write that follows.
std::size_t SocketStream::write_now(const uv_buf_t* buffers, unsigned count) {
  if (output_ || is_corked_) return 0;
  const int written = uv_try_write(stream(), buffers, count);
  return written > 0 ? static_cast<std::size_t>(written) : 0;
}

void SocketStream::write(std::string_view head, std::string_view body) {
  loop_.assert_thread();
  if (!can_write() || head.size() + body.size() == 0) return;
  const uv_buf_t buffers[] = {buffer_of(head), buffer_of(body)};
  const std::size_t written = write_now(buffers, body.empty() ? 1 : 2);
  if (written < head.size() + body.size()) enqueue(rest_of(head, body, written), 0);
}

void SocketStream::write_shared(const SharedBytes& bytes) {
  loop_.assert_thread();
  if (!can_write() || bytes->empty()) return;
  const uv_buf_t buffer = buffer_of(*bytes);
  const std::size_t written = write_now(&buffer, 1);
  if (written < bytes->size()) enqueue(bytes, written);
}

void SocketStream::enqueue(SharedBytes bytes, std::size_t offset) {
  Output& out = output();
  out.waiting.push(std::move(bytes), offset);
  if (is_corked_ && out.waiting.bytes() < WriteQueue::kBatchBytes) return;
  if (!out.writing.empty() || out.is_connecting) return;
  if (is_corked_) {
    flush();
  } else {
    write_next_batch();
  }
}

void SocketStream::uncork() {
  is_corked_ = false;
  if (!output_ || !output_->writing.empty() || output_->is_connecting || write_error_ != 0) return;
  if (!output_->waiting.empty()) flush();
}

// What gathered under a cork goes out at once as far as the socket takes it: a healthy peer has
// nothing queued afterwards, and costs no callback.
void SocketStream::flush() {
  Output& out = *output_;
  uv_buf_t buffers[WriteQueue::kBatchItems];
  const std::size_t count = std::min(out.waiting.items(), WriteQueue::kBatchItems);
  for (std::size_t i = 0; i < count; ++i) buffers[i] = buffer_of(out.waiting.at(i));
  const int written = uv_try_write(stream(), buffers, static_cast<unsigned>(count));
  if (written > 0) out.waiting.drop_front(static_cast<std::size_t>(written));
  if (out.waiting.empty()) {
    output_.reset();
  } else {
    write_next_batch();
  }
}

void SocketStream::write_next_batch() {
  Output& out = *output_;
  std::size_t bytes = 0;
  uv_buf_t buffers[WriteQueue::kBatchItems];
  while (!out.waiting.empty() && out.writing.size() < WriteQueue::kBatchItems) {
    const std::string_view next = out.waiting.front();
    if (bytes > 0 && bytes + next.size() > WriteQueue::kBatchBytes) break;
    buffers[out.writing.size()] = buffer_of(next);
    bytes += next.size();
    out.writing.push_back(out.waiting.pop_front());
  }
  out.write_request.data = this;
  // Fails at once only for a stream that may not be written to, which can_write() has excluded.
  SOCKHOOK_CHECK(uv_write(&out.write_request, stream(), buffers,
                          static_cast<unsigned>(out.writing.size()),
                          [](uv_write_t* request, int status) {
                            static_cast<SocketStream*>(request->data)->on_written(status);
                          }) == 0);
}

void SocketStream::on_written(int status) {
  Output& out = *output_;
  out.writing.clear();
  if (is_closing()) return;
  if (write_error_ != 0) {  // a read has failed meanwhile, which the listener knows
    output_.reset();
    return;
  }
  if (status != 0) {
    output_.reset();
    write_error_ = status;
    // What the peer said before it closed may still be in the socket; the end stands behind it.
    if (!listener_->on_write_failed() && !is_reading_) end(status);
    return;
  }
  if (!out.waiting.empty()) {
    write_next_batch();
    return;
  }
  output_.reset();
  if (is_shutdown_wanted_) send_fin();
  listener_->on_writable();
}

std::size_t SocketStream::queued_bytes() const { return output_ ? output_->waiting.bytes() : 0; }

bool SocketStream::can_write() const {
  return !is_closing() && !is_shutdown_wanted_ && write_error_ == 0;
}

void SocketStream::shutdown() {
  if (!can_write()) return;
  uncork();
  is_shutdown_wanted_ = true;
  if (!output_) send_fin();
}

void SocketStream::send_fin() {
  auto request = std::make_unique<uv_shutdown_t>();
  const auto done = [](uv_shutdown_t* sent, int) { delete sent; };
  if (uv_shutdown(request.get(), stream(), done) == 0) static_cast<void>(request.release());
}

void SocketStream::close() {
  loop_.assert_thread();
  if (is_closing()) return;
  is_reading_ = false;
  uv_close(&handle_.handle, on_handle_closed);
}

void SocketStream::reset() {
  loop_.assert_thread();
  if (is_closing()) return;
  is_reading_ = false;
  // Fails where a shutdown is under way.
  if (handle_.handle.type != UV_TCP || uv_tcp_close_reset(&handle_.tcp, on_handle_closed) != 0) {
    uv_close(&handle_.handle, on_handle_closed);
  }
}

void SocketStream::on_handle_closed(uv_handle_t* handle) {
  auto* self = static_cast<SocketStream*>(std::exchange(handle->data, nullptr));
  self->listener_->on_closed();
}

}  // namespace sockhook::net
