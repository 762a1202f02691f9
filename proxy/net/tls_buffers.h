// TlsBuffers: what TLS streams of one loop pass their bytes through, so that none owns a buffer.
//
// Each is in use during one event of one stream only. `plain` lasts until the listener's on_read
// returns, during which other streams may write: they use the other two.
//
// Owner: the Loop, which makes them when the first TLS stream asks. Thread: the loop's.

#pragma once

#include <array>
#include <cstddef>
#include <string>

namespace sockhook::net {

struct TlsBuffers {
  static constexpr std::size_t kRecordBytes = 16 * 1024;  // of one record's content (RFC 8446 5.1)
  // One read of 64 KiB, and the record that it completes.
  static constexpr std::size_t kPlainBytes = 80 * 1024;
  static constexpr std::size_t kSlackBytes = 64;  // parsers may read this much past the data

  std::array<char, kPlainBytes + kSlackBytes> plain;  // decrypted
  std::array<char, kRecordBytes> content;             // small writes, for one record
  std::string records;                                // encrypted, for one write
};

}  // namespace sockhook::net
