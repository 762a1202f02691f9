// Connections: many non-blocking client connections to one address behind one epoll.
//
// Opens them with a bounded number in progress and hands bytes both ways. A connection that is
// refused or ends is the end of the program: a load run with losses measures nothing.

#pragma once

#include <netinet/in.h>
#include <sys/epoll.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

class Connections;

struct Connection {
  Connections* owner = nullptr;
  uint32_t number = 0;
  int fd = -1;
  bool connected = false;
  bool ready = false;    // what the protocol has to do first is done
  bool waiting = false;  // for the socket to take `out`
  std::string in;        // of an incomplete answer
  std::string out;
};

class ConnectionHandler {
 public:
  virtual void on_connected(Connection& connection) = 0;
  // Returns how many of the bytes are used up; the others are shown again with what follows.
  virtual std::size_t on_data(Connection& connection, std::string_view bytes) = 0;

 protected:
  ~ConnectionHandler() = default;
};

// One turn of the event loop serves all Connections that share it.
class Poller {
 public:
  Poller();
  void watch(Connection& connection, uint32_t events, int operation) const;
  void turn(int timeout_ms);

 private:
  int epoll_;
  std::vector<epoll_event> events_;
};

class Connections {
 public:
  Connections(Poller& poller, const sockaddr_in& target, ConnectionHandler& handler)
      : poller_(poller), target_(target), handler_(handler) {}

  // Opens `count` connections, `at_a_time` in progress; returns when all are ready.
  void open(std::size_t count, std::size_t at_a_time, int time_limit_s);
  void mark_ready(Connection& connection);

  Connection& operator[](std::size_t number) { return all_[number]; }
  std::size_t size() const { return all_.size(); }

  // Queues bytes; what is queued while data is handled goes out in one write after it.
  static void queue(Connection& connection, std::string_view bytes) {
    connection.out.append(bytes);
  }
  void flush(Connection& connection);

 private:
  friend class Poller;
  void on_event(Connection& connection, uint32_t events);
  void finish_connect(Connection& connection);
  void read(Connection& connection);

  Poller& poller_;
  sockaddr_in target_;
  ConnectionHandler& handler_;
  std::deque<Connection> all_;  // addresses stay
  std::size_t ready_ = 0;
};

}  // namespace bench
