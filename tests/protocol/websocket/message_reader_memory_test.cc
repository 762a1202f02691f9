// What a connection costs: nothing while it is idle, what came while a message is on its way.

#include <gtest/gtest.h>
#include <malloc.h>

#include <memory>
#include <string>
#include <vector>

#include "protocol/websocket/message_reader.h"
#include "tests/protocol/websocket/reader_events.h"
#include "tests/support/client_frame.h"

namespace sockhook::websocket {
namespace {

using testing::client_frame;

TEST(MessageReaderMemory, AnIdleReaderIsSmall) { EXPECT_LE(sizeof(MessageReader), 32U); }

TEST(MessageReaderMemory, TenThousandIdleReadersHoldNoDecoder) {
  DecoderPool pool;
  std::vector<std::unique_ptr<MessageReader>> readers;
  for (int i = 0; i < 10'000; ++i) {
    std::vector<Event> events;
    readers.push_back(std::make_unique<MessageReader>(pool));
    read_piece(*readers.back(), client_frame(Opcode::kText, "hello"), {}, events);
    read_piece(*readers.back(), client_frame(Opcode::kPing, "?"), {}, events);
    ASSERT_EQ(events.size(), 2U);
    ASSERT_FALSE(readers.back()->is_mid_frame());
    ASSERT_FALSE(readers.back()->is_mid_message());
  }
  EXPECT_EQ(pool.borrowed(), 0U);
}

TEST(MessageReaderMemory, ADecoderIsBorrowedOnlyInTheMiddleOfAFrame) {
  DecoderPool pool;
  std::vector<Event> events;
  MessageReader reader(pool);
  const std::string first = client_frame(Opcode::kText, "Hel", {.fin = false});

  read_piece(reader, first.substr(0, 1), {}, events);
  EXPECT_TRUE(reader.is_mid_frame());
  EXPECT_FALSE(reader.is_mid_message());
  EXPECT_EQ(pool.borrowed(), 1U);

  read_piece(reader, first.substr(1), {}, events);
  EXPECT_FALSE(reader.is_mid_frame());
  EXPECT_TRUE(reader.is_mid_message());
  EXPECT_EQ(pool.borrowed(), 0U);

  read_piece(reader, client_frame(Opcode::kContinuation, "lo"), {}, events);
  EXPECT_FALSE(reader.is_mid_message());
  EXPECT_EQ(events, std::vector<Event>{text("Hello")});
}

TEST(MessageReaderMemory, AReaderThatGoesAwayInTheMiddleOfAFrameReturnsItsDecoder) {
  DecoderPool pool;
  {
    MessageReader reader(pool);
    std::vector<Event> events;
    read_piece(reader, client_frame(Opcode::kText, "x", {.announced = 1000}), {}, events);
    EXPECT_EQ(pool.borrowed(), 1U);
  }
  EXPECT_EQ(pool.borrowed(), 0U);
}

TEST(MessageReaderMemory, AViolationReturnsTheDecoder) {
  DecoderPool pool;
  MessageReader reader(pool);
  std::vector<Event> events;
  read_piece(reader, client_frame(0x3, "x"), {}, events);
  EXPECT_TRUE(reader.is_ended());
  EXPECT_EQ(pool.borrowed(), 0U);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kHeapCanBeMeasured = false;
#else
constexpr bool kHeapCanBeMeasured = true;
#endif

std::size_t heap_bytes() { return mallinfo2().uordblks + mallinfo2().hblkhd; }

TEST(MessageReaderMemory, NothingIsReservedForWhatAHeaderMerelyAnnounces) {
  DecoderPool pool;
  MessageReader reader(pool);
  std::vector<Event> events;
  const std::string bytes =
      client_frame(Opcode::kBinary, std::string(100, 'x'), {.announced = 1 << 30});
  const std::size_t before = heap_bytes();
  read_piece(reader, bytes, {.message_size = 1U << 31}, events);
  EXPECT_TRUE(reader.is_mid_message());
  if (kHeapCanBeMeasured) {
    EXPECT_LT(heap_bytes() - before, 8192U);
  }
}

TEST(MessageReaderMemory, ALargeMessageIsFreedAfterIt) {
  DecoderPool pool;
  MessageReader reader(pool);
  const std::size_t before = heap_bytes();
  for (const std::size_t piece : {std::size_t{65536}, std::size_t{8'000'000}}) {
    std::size_t messages = 0;
    {
      const std::string bytes = client_frame(Opcode::kBinary, std::string(4'000'000, 'x')) +
                                client_frame(Opcode::kPing, "");
      for (std::size_t at = 0; at < bytes.size(); at += piece) {
        std::string_view input = std::string_view(bytes).substr(at, piece);
        while (!input.empty()) {
          const Incoming incoming = reader.next(&input, {.message_size = 4'000'000});
          if (incoming.kind == Incoming::Kind::kMessage) ++messages;
        }
      }
    }
    EXPECT_EQ(messages, 1U);
    if (kHeapCanBeMeasured) {
      EXPECT_LT(heap_bytes(), before + 2 * DecoderPool::kMaxRetainedBytes);
    }
  }
}

TEST(MessageReaderMemory, MessagesOfOneReadReuseOneBuffer) {
  DecoderPool pool;
  MessageReader reader(pool);
  const std::string bytes = client_frame(Opcode::kText, std::string(2000, 'x'));
  std::string_view input = bytes;
  const char* const first = reader.next(&input, {}).payload.data();
  for (int i = 0; i < 100; ++i) {
    input = bytes;
    EXPECT_EQ(reader.next(&input, {}).payload.data(), first);
  }
}

}  // namespace
}  // namespace sockhook::websocket
