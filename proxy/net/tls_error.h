// What OpenSSL has to complain of, in words for the log.
//
// OpenSSL keeps its errors in a queue for each thread; whoever calls it clears that queue before
// and asks here at once afterwards.

#pragma once

#include <string>

struct ssl_st;  // OpenSSL's SSL

namespace sockhook::net {

// The cause: the oldest error of the queue, which is empty afterwards.
std::string take_tls_error();

// Why a handshake, or an open connection, has failed. `host`: whose certificate was to be checked;
// empty for servers. Takes the queue's error too.
std::string take_tls_failure(const ssl_st* ssl, const std::string& host);

}  // namespace sockhook::net
