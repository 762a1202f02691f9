// TlsBio: OpenSSL's way to a stream's transport, without buffers of its own: it reads what the read
// under way has brought, and writes into the loop's TlsBuffers. It never fails.

#pragma once

#include <string>
#include <string_view>

struct bio_st;  // OpenSSL's BIO

namespace sockhook::net {

struct TlsWire {
  std::string_view input;  // not read yet
  std::string& records;    // what is to be written
};

// `wire` outlives the BIO, which belongs to the SSL that it is given to.
bio_st* new_tls_bio(TlsWire* wire);

}  // namespace sockhook::net
