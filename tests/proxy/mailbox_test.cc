// Messages between threads: all of them, in each sender's order, within a limit.

#include "proxy/mailbox.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace sockhook {
namespace {

struct Message {
  unsigned sender;
  unsigned number;
};

TEST(Mailbox, MessagesOfEachThreadArriveInTheOrderInWhichItPostedThem) {
  constexpr unsigned kSenders = 4;
  constexpr unsigned kEach = 20'000;
  net::Loop loop;
  std::vector<unsigned> next(kSenders, 0);
  unsigned received = 0;
  std::optional<Mailbox<Message>> mailbox;
  mailbox.emplace(loop, [&](std::vector<Message>& batch) {
    for (const Message& message : batch) {
      ASSERT_EQ(message.number, next[message.sender]++);
      ++received;
    }
    if (received == kSenders * kEach) {
      mailbox->close();
      loop.close();
    }
  });
  std::vector<std::thread> senders;
  for (unsigned sender = 0; sender < kSenders; ++sender) {
    senders.emplace_back([&, sender] {
      for (unsigned number = 0; number < kEach; ++number) {
        while (!mailbox->post({sender, number})) std::this_thread::yield();
      }
    });
  }
  loop.run();
  for (std::thread& sender : senders) sender.join();
  EXPECT_EQ(received, kSenders * kEach);
}

TEST(Mailbox, AFullMailboxRefusesUntilItHasBeenEmptied) {
  net::Loop loop;
  std::size_t received = 0;
  Mailbox<int> mailbox(loop, [&](std::vector<int>& batch) { received += batch.size(); });
  for (std::size_t i = 0; i < Mailbox<int>::kCapacity; ++i) ASSERT_TRUE(mailbox.post(1));
  EXPECT_FALSE(mailbox.post(1));
  uv_run(loop.uv(), UV_RUN_NOWAIT);
  EXPECT_EQ(received, Mailbox<int>::kCapacity);
  EXPECT_TRUE(mailbox.post(1));
  mailbox.close();
  loop.close();
  loop.run();
  EXPECT_EQ(received, Mailbox<int>::kCapacity + 1) << "what waits at the close is handed over";
}

TEST(Mailbox, AClosedMailboxRefuses) {
  net::Loop loop;
  Mailbox<int> mailbox(loop, [](std::vector<int>&) {});
  mailbox.close();
  mailbox.close();
  EXPECT_FALSE(mailbox.post(1));
  loop.close();
  loop.run();
}

TEST(Mailbox, AHandlerMayCloseTheMailboxAndFinishesItsBatch) {
  net::Loop loop;
  std::vector<std::unique_ptr<int>> seen;
  std::optional<Mailbox<std::unique_ptr<int>>> mailbox;
  mailbox.emplace(loop, [&](std::vector<std::unique_ptr<int>>& batch) {
    for (std::unique_ptr<int>& message : batch) {
      if (*message == 1) {
        EXPECT_TRUE(mailbox->post(std::make_unique<int>(3)));
        mailbox->close();
      }
      seen.push_back(std::move(message));
    }
  });
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(mailbox->post(std::make_unique<int>(i)));
  uv_run(loop.uv(), UV_RUN_NOWAIT);
  loop.close();
  loop.run();
  ASSERT_EQ(seen.size(), 4U);
  for (const auto& message : seen) EXPECT_NE(message, nullptr);
}

TEST(Mailbox, ManyThreadsMayPostWhileItCloses) {
  net::Loop loop;
  std::atomic<bool> is_over{false};
  Mailbox<int> mailbox(loop, [](std::vector<int>&) {});
  std::vector<std::thread> senders(3);
  for (std::thread& sender : senders) {
    sender = std::thread([&] {
      while (!is_over) static_cast<void>(mailbox.post(1));
    });
  }
  for (int i = 0; i < 100; ++i) uv_run(loop.uv(), UV_RUN_NOWAIT);
  mailbox.close();
  loop.close();
  loop.run();
  is_over = true;
  for (std::thread& sender : senders) sender.join();
  EXPECT_FALSE(mailbox.post(1));
}

}  // namespace
}  // namespace sockhook
