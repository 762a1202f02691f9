// IPv4 sockets of the bench programs: non-blocking, without Nagle. Any failure ends the program.

#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <string>

namespace bench {

[[noreturn]] void die(const std::string& why);

// "127.0.0.1:7080".
sockaddr_in parse_address(const std::string& text);

int listen_on(const sockaddr_in& address);
// Begins to connect. On loopback, each 10,000 connections come from an address of their own
// (127.0.0.1, 127.0.0.2, ...), since one address has only some 28,000 ports.
int begin_connect(const sockaddr_in& target, uint32_t number);
// The error of a connect that has ended, or 0.
int connect_error(int fd);

// As many descriptors as the hard limit allows.
void raise_descriptor_limit();

int64_t now_ns();

}  // namespace bench
