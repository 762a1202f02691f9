// TlsStream's way out.

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <utility>

#include "proxy/net/tls_buffers.h"
#include "proxy/net/tls_contents.h"
#include "proxy/net/tls_error.h"
#include "proxy/net/tls_stream.h"
#include "proxy/net/write_queue.h"

namespace sockhook::net {

bool TlsStream::can_write() const {
  return !is_closing() && !is_shutdown_wanted_ && !has_write_failed_ && state_ != State::kFailed;
}

void TlsStream::write(std::string_view head, std::string_view body) {
  loop_.assert_thread();
  if (!can_write() || head.size() + body.size() == 0) return;
  const std::string_view parts[] = {head, body};
  const std::size_t written = write_now(parts);
  if (written < head.size() + body.size()) enqueue(rest_of(head, body, written), 0);
}

void TlsStream::write_shared(const SharedBytes& bytes) {
  loop_.assert_thread();
  if (!can_write() || bytes->empty()) return;
  const std::string_view parts[] = {*bytes};
  const std::size_t written = write_now(parts);
  if (written < bytes->size()) enqueue(bytes, written);
}

std::size_t TlsStream::write_now(std::span<const std::string_view> parts) {
  return queue_ || is_corked_ || state_ != State::kOpen ? 0 : encrypt(parts);
}

void TlsStream::enqueue(SharedBytes bytes, std::size_t offset) {
  if (!can_write()) return;  // it has failed just now
  if (!queue_) queue_ = std::make_unique<WriteQueue>();
  queue_->push(std::move(bytes), offset);
  if (is_corked_ && queue_->bytes() >= WriteQueue::kBatchBytes) write_queue();
}

void TlsStream::uncork() {
  is_corked_ = false;
  write_queue();
}

void TlsStream::write_queue() {
  if (state_ != State::kOpen) return;
  while (queue_ && !transport_->is_writing()) {
    std::string_view parts[WriteQueue::kBatchItems];
    const std::size_t count = std::min(queue_->items(), WriteQueue::kBatchItems);
    for (std::size_t i = 0; i < count; ++i) parts[i] = queue_->at(i);
    const std::size_t written = encrypt({parts, count});
    if (queue_) queue_->drop_front(written);
    if (queue_ && queue_->empty()) queue_.reset();
  }
  if (!queue_ && is_shutdown_wanted_) send_end();
}

// As much as the transport takes, a batch at a time; returns how much.
std::size_t TlsStream::encrypt(std::span<const std::string_view> parts) {
  TlsContents contents(parts);
  TlsBuffers& buffers = loop_.tls_buffers();
  while (!contents.empty() && !transport_->is_writing()) {
    while (!contents.empty() && buffers.records.size() < WriteQueue::kBatchBytes) {
      const std::string_view content = contents.next(buffers.content);
      ERR_clear_error();
      if (SSL_write(ssl_, content.data(), static_cast<int>(content.size())) <= 0) {
        fail_to_write();
        return contents.taken();
      }
    }
    flush_records();
  }
  return contents.taken();
}

// The owner is told from the loop.
void TlsStream::fail_to_write() {
  failure_ = take_tls_failure(ssl_, host_);
  state_ = State::kFailed;
  queue_.reset();
  held_end_ = UV_EPROTO;
  must_tell_write_failure_ = true;
  loop_.soon().arm(soon_);
}

void TlsStream::flush_records() {
  if (wire_.records.empty()) return;
  transport_->write(wire_.records, {});
  wire_.records.clear();
}

bool TlsStream::on_write_failed() {
  has_write_failed_ = true;
  queue_.reset();
  return state_ == State::kOpen && listener_->on_write_failed();
}

void TlsStream::on_writable() {
  if (state_ != State::kOpen) return;
  write_queue();
  if (!is_writing()) listener_->on_writable();
}

std::size_t TlsStream::queued_bytes() const {
  return (queue_ ? queue_->bytes() : 0) + transport_->queued_bytes();
}

bool TlsStream::is_writing() const { return queue_ != nullptr || transport_->is_writing(); }

void TlsStream::shutdown() {
  if (!can_write()) return;
  is_corked_ = false;
  is_shutdown_wanted_ = true;
  write_queue();
}

// close_notify, and FIN behind it.
void TlsStream::send_end() {
  SSL_shutdown(ssl_);
  flush_records();
  transport_->shutdown();
}

}  // namespace sockhook::net
