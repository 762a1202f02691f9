#include "backplane/redis/resp.h"

#include <hiredis/read.h>

#include <charconv>

namespace sockhook::redis {
namespace {

// The place in the tree that hiredis is about to fill: an element of the task's parent, made by
// make_array beforehand, or a new root.
Reply* place_of(const redisReadTask* task) {
  if (task->parent == nullptr) return new Reply;
  auto& siblings = std::get<Reply::Array>(static_cast<Reply*>(task->parent->obj)->value());
  return &siblings[static_cast<std::size_t>(task->idx)];
}

void* place(const redisReadTask* task, Reply::Value value) {
  Reply* const reply = place_of(task);
  reply->value() = std::move(value);
  return reply;
}

void* make_string(const redisReadTask* task, char* text, std::size_t size) {
  if (task->type == REDIS_REPLY_ERROR) return place(task, Reply::Error{{text, size}});
  return place(task, std::string(text, size));
}

void* make_integer(const redisReadTask* task, long long number) {
  return place(task, std::int64_t{number});
}

void* make_nil(const redisReadTask* task) { return place(task, Reply::Nil{}); }

// Null makes hiredis give up.
void* make_array(const redisReadTask* task, std::size_t elements) {
  if (elements > ReplyReader::kMaxElements) return nullptr;
  return place(task, Reply::Array(elements));
}

// hiredis frees roots only.
void free_root(void* root) { delete static_cast<Reply*>(root); }

// hiredis 1.x reads RESP3's booleans and doubles too, and without a function for them gives roots
// that are none. We never speak RESP3.
template <typename Functions>
void refuse_resp3(Functions& functions) {
  if constexpr (requires { functions.createBool; }) {
    functions.createBool = [](const redisReadTask*, int) -> void* { return nullptr; };
    functions.createDouble = [](const redisReadTask*, double, char*, std::size_t) -> void* {
      return nullptr;
    };
  }
}

redisReplyObjectFunctions functions() {
  redisReplyObjectFunctions made{};
  made.createString = make_string;
  // The number is an int in 0.14 and a size_t since 1.0.
  made.createArray = [](const redisReadTask* task, auto elements) -> void* {
    return make_array(task, static_cast<std::size_t>(elements));
  };
  made.createInteger = make_integer;
  made.createNil = make_nil;
  made.freeObject = free_root;
  refuse_resp3(made);
  return made;
}

void append_length(std::string& out, char kind, std::size_t length) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, length).ptr;
  out.push_back(kind);
  out.append(digits, end);
  out.append("\r\n");
}

}  // namespace

std::string_view Reply::error() const {
  const Error* const error = std::get_if<Error>(&value_);
  return error != nullptr ? std::string_view(error->text) : std::string_view();
}

const Reply& Reply::at(std::size_t index) const {
  static const Reply kNil;
  const Array* const elements = array();
  return elements != nullptr && index < elements->size() ? (*elements)[index] : kNil;
}

bool Reply::is_error(std::string_view code) const {
  const std::string_view text = error();
  if (text.starts_with(code)) return text.size() == code.size() || text[code.size()] == ' ';
  // "ERR Error running script (call to f_...): @user_script:1: @user_script: 1: -READONLY You ..."
  const std::string wrapped = " -" + std::string(code) + ' ';
  return text.starts_with("ERR Error running script") && text.find(wrapped) != text.npos;
}

void append_command(std::string& out, Arguments arguments) {
  append_length(out, '*', arguments.size());
  for (const std::string_view argument : arguments) {
    append_length(out, '$', argument.size());
    out.append(argument);
    out.append("\r\n");
  }
}

std::size_t command_bytes(Arguments arguments) {
  static constexpr std::size_t kFramingBytes = 16;
  std::size_t bytes = kFramingBytes;
  for (const std::string_view argument : arguments) bytes += kFramingBytes + argument.size();
  return bytes;
}

struct ReplyReader::Reader {
  Reader() : functions(redis::functions()), hiredis(redisReaderCreateWithFunctions(&functions)) {
    if (hiredis == nullptr) throw std::bad_alloc();
  }
  ~Reader() { redisReaderFree(hiredis); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  redisReplyObjectFunctions functions;
  redisReader* hiredis;
};

ReplyReader::ReplyReader() : reader_(std::make_unique<Reader>()) {}

ReplyReader::~ReplyReader() = default;

void ReplyReader::feed(std::string_view data) {
  unread_bytes_ += data.size();
  if (redisReaderFeed(reader_->hiredis, data.data(), data.size()) != REDIS_OK) {
    error_ = reader_->hiredis->errstr;
  }
}

std::optional<Reply> ReplyReader::next() {
  if (!error_.empty()) return std::nullopt;
  void* root = nullptr;
  if (redisReaderGetReply(reader_->hiredis, &root) != REDIS_OK) {
    error_ = reader_->hiredis->errstr;
    return std::nullopt;
  }
  if (root == nullptr) {
    if (unread_bytes_ > kMaxReplyBytes) error_ = "Reply too large";
    return std::nullopt;
  }
  unread_bytes_ = reader_->hiredis->len - reader_->hiredis->pos;
  const std::unique_ptr<Reply> reply(static_cast<Reply*>(root));
  return std::move(*reply);
}

}  // namespace sockhook::redis
