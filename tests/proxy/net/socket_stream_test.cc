#include "proxy/net/socket_stream.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "proxy/net/listener.h"

namespace sockhook::net {
namespace {

// One accepted connection and one that connected to it, on one loop.
struct Pair : AcceptListener, ConnectListener {
  struct Side : StreamListener {
    explicit Side(Loop& l) : loop(l) {}
    void on_read(std::string_view data) override {
      received += data;
      if (when_read) when_read();
    }
    void on_end(int error) override {
      ended = true;
      end_error = error;
      if (when_ended) when_ended();
      stream->close();
    }
    void on_writable() override { ++writable; }
    void on_closed() override {
      stream.reset();
      if (when_closed) when_closed();
    }
    Loop& loop;
    std::unique_ptr<SocketStream> stream;
    std::string received;
    bool ended = false;
    int end_error = 0;
    int writable = 0;
    std::function<void()> when_read;
    std::function<void()> when_ended;
    std::function<void()> when_closed;
  };

  Pair() : server(loop), client(loop) {
    auto socket = ListenSocket::open(SocketAddress::ip("127.0.0.1", 0));
    address = socket->address();
    listener = std::make_unique<Listener>(loop, std::move(*socket), this);
    client.stream = std::make_unique<SocketStream>(loop, false, &client);
    EXPECT_EQ(client.stream->connect(address, this), 0);
  }
  void on_connection(const Incoming& incoming) override {
    server.stream = std::make_unique<SocketStream>(loop, incoming.is_unix, &server);
    ASSERT_TRUE(server.stream->accept(incoming));
    listener->stop();
    if (is_connected) start();
  }
  void on_connected(int error) override {
    ASSERT_EQ(error, 0);
    is_connected = true;
    if (server.stream) start();
  }
  void on_stopped() override { listener.reset(); }
  void start() {
    server.stream->start_reading();
    client.stream->start_reading();
    when_started();
  }
  void run() {
    loop.run();
    loop.close();
    uv_run(loop.uv(), UV_RUN_DEFAULT);
  }

  Loop loop;
  SocketAddress address;
  std::unique_ptr<Listener> listener;
  Side server;
  Side client;
  bool is_connected = false;
  std::function<void()> when_started;
};

TEST(SocketStream, DeliversWhatIsWrittenInOrderThenTheEnd) {
  Pair pair;
  pair.when_started = [&] {
    pair.client.stream->write("hello ", "world");
    pair.client.stream->write_shared(std::make_shared<const std::string>("!"));
    pair.client.stream->shutdown();
  };
  pair.run();
  EXPECT_EQ(pair.server.received, "hello world!");
  EXPECT_TRUE(pair.server.ended);
  EXPECT_EQ(pair.server.end_error, 0);
}

TEST(SocketStream, QueuesWhatAFullSocketDoesNotTakeAndSendsFinBehindIt) {
  Pair pair;
  const auto block = std::make_shared<const std::string>(1 << 20, 'x');
  std::size_t queued = 0;
  pair.when_started = [&] {
    pair.server.stream->stop_reading();
    for (int i = 0; i < 32; ++i) pair.client.stream->write_shared(block);
    queued = pair.client.stream->queued_bytes();
    pair.client.stream->shutdown();
    pair.server.stream->start_reading();
  };
  pair.run();
  EXPECT_GT(queued, 0u);
  EXPECT_EQ(pair.server.received.size(), 32u << 20);
  EXPECT_TRUE(pair.server.ended);
}

// One that is filled as fast as it is read does not keep the loop to itself.
TEST(SocketStream, OneReadPerTurnOfTheLoop) {
  Pair pair;
  const auto block = std::make_shared<const std::string>(4 << 20, 'x');
  std::vector<std::size_t> reads(1);  // of each turn of the loop
  uv_prepare_t turn;
  uv_prepare_init(pair.loop.uv(), &turn);
  turn.data = &reads;
  pair.server.when_read = [&] { ++reads.back(); };
  pair.server.when_ended = [&] { uv_close(reinterpret_cast<uv_handle_t*>(&turn), nullptr); };
  pair.when_started = [&] {
    uv_prepare_start(&turn, [](uv_prepare_t* handle) {
      static_cast<std::vector<std::size_t>*>(handle->data)->push_back(0);
    });
    pair.client.stream->write_shared(block);
    pair.client.stream->shutdown();
  };
  pair.run();
  EXPECT_EQ(pair.server.received.size(), block->size());
  EXPECT_LE(*std::max_element(reads.begin(), reads.end()), 2U);
}

TEST(SocketStream, CorkedWritesGoOutTogether) {
  Pair pair;
  int reads = 0;
  pair.server.when_read = [&] { ++reads; };
  pair.when_started = [&] {
    pair.client.stream->cork();
    for (int i = 0; i < 100; ++i) pair.client.stream->write("0123456789", {});
    pair.client.stream->uncork();
    EXPECT_EQ(pair.client.stream->queued_bytes(), 0U);
    EXPECT_FALSE(pair.client.stream->is_writing()) << "the socket had room";
    pair.client.stream->shutdown();
  };
  pair.run();
  EXPECT_EQ(pair.server.received.size(), 1000u);
  EXPECT_EQ(reads, 1);
}

TEST(SocketStream, CloseInTheMiddleOfQueuedWritesIsClean) {
  Pair pair;
  const auto block = std::make_shared<const std::string>(8 << 20, 'x');
  pair.when_started = [&] {
    pair.server.stream->stop_reading();
    for (int i = 0; i < 4; ++i) pair.client.stream->write_shared(block);
    pair.client.stream->close();
    pair.client.stream->close();
    pair.client.stream->write("lost", {});
    pair.server.stream->reset();
  };
  pair.run();
  EXPECT_EQ(block.use_count(), 1);
}

TEST(SocketStream, AWriteToAResetConnectionEndsItFromTheLoop) {
  Pair pair;
  pair.client.stream->set_listener(&pair.client);
  pair.when_started = [&] {
    pair.client.stream->stop_reading();
    pair.server.when_closed = [&] {
      pair.client.stream->write("a", {});
      pair.client.stream->write(std::string(1 << 20, 'b'), {});
      EXPECT_FALSE(pair.client.ended);
    };
    pair.server.stream->reset();
  };
  pair.run();
  EXPECT_TRUE(pair.client.ended);
  EXPECT_LT(pair.client.end_error, 0);
}

// As TLS does it with its close_notify.
TEST(SocketStream, WhatIsWrittenAfterAResetIsDropped) {
  Pair pair;
  pair.when_started = [&] {
    pair.server.stream->cork();
    pair.server.stream->write("held", {});
    pair.client.stream->reset();
  };
  pair.server.when_ended = [&] {
    pair.server.stream->write("bye", {});
    pair.server.stream->write_shared(std::make_shared<const std::string>("bye"));
    pair.server.stream->uncork();
    pair.server.stream->shutdown();
  };
  pair.run();
  EXPECT_TRUE(pair.server.ended);
  EXPECT_EQ(pair.server.end_error, UV_ECONNRESET);
}

TEST(SocketStream, AResetBehindTheLastDataIsNoOrderlyEnd) {
  Pair pair;
  pair.when_started = [&] {
    pair.server.stream->write("half of", {});
    pair.server.stream->reset();
  };
  pair.run();
  EXPECT_EQ(pair.client.received, "half of");
  EXPECT_TRUE(pair.client.ended);
  EXPECT_LT(pair.client.end_error, 0);
}

TEST(SocketStream, WhatThePeerSaidBeforeItClosedIsReadAlthoughAWriteFails) {
  Pair pair;
  pair.when_started = [&] {
    pair.server.stream->stop_reading();
    pair.client.stream->stop_reading();
    pair.client.stream->write("unread", {});
    pair.server.stream->write("too large", {});
    pair.server.when_closed = [&] {
      pair.client.stream->write("more", {});
      pair.client.stream->write("and more", {});
      pair.client.stream->start_reading();
    };
    pair.server.stream->close();  // a reset, since it has not read everything
  };
  pair.run();
  EXPECT_EQ(pair.client.received, "too large");
  EXPECT_LT(pair.client.end_error, 0);
}

TEST(ListenSocket, RefusesAnAddressThatAnotherSocketSharesByReusePort) {
  const auto first = ListenSocket::open(SocketAddress::ip("127.0.0.1", 0));
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->share());
  const auto second = ListenSocket::open(first->address());
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().find("address in use"), std::string::npos) << second.error();
}

TEST(ListenSocket, ReplacesAStaleUnixSocketAndRefusesALiveOne) {
  const std::string path = testing::TempDir() + "/sockhook-listen-" + std::to_string(getpid());
  const SocketAddress address = SocketAddress::unix_path(path);
  {
    const auto live = ListenSocket::open(address);
    ASSERT_TRUE(live) << live.error();
    EXPECT_FALSE(ListenSocket::open(address));
  }
  EXPECT_TRUE(ListenSocket::open(address));  // the file of the closed one is stale
  unlink(path.c_str());
}

}  // namespace
}  // namespace sockhook::net
