#include "proxy/net/tls_bio.h"

#include <openssl/bio.h>

#include <algorithm>
#include <cstring>

#include "protocol/base/check.h"

namespace sockhook::net {
namespace {

TlsWire& wire_of(BIO* bio) { return *static_cast<TlsWire*>(BIO_get_data(bio)); }

int read_input(BIO* bio, char* target, int size) {
  std::string_view& input = wire_of(bio).input;
  BIO_clear_retry_flags(bio);
  if (input.empty()) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const std::size_t part = std::min(input.size(), static_cast<std::size_t>(size));
  std::memcpy(target, input.data(), part);
  input.remove_prefix(part);
  return static_cast<int>(part);
}

int write_records(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  wire_of(bio).records.append(bytes, static_cast<std::size_t>(size));
  return size;
}

long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

BIO_METHOD* make_method() {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sockhook");
  SOCKHOOK_CHECK(method != nullptr);
  BIO_meth_set_read(method, read_input);
  BIO_meth_set_write(method, write_records);
  BIO_meth_set_ctrl(method, control);
  return method;
}

}  // namespace

bio_st* new_tls_bio(TlsWire* wire) {
  static BIO_METHOD* const method = make_method();  // lives as long as the process
  BIO* bio = BIO_new(method);
  SOCKHOOK_CHECK(bio != nullptr);
  BIO_set_data(bio, wire);
  BIO_set_init(bio, 1);
  return bio;
}

}  // namespace sockhook::net
