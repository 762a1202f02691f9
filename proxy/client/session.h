// Session: one client's life, from the handshake that asks $connect to the $disconnect.
//
//   kConnecting  $connect is asked; pushes are held (contract 3.2)
//   kOpen        frames flow
//   kClosing     a close frame is on its way; gone for pushes, groups and lists
//   kFinishing   the socket is gone; messages that came before it closed are still delivered, in
//                order, and then $disconnect is handed over
//
// A session processes its input only while fewer than `in_flight` webhooks run (contract 3.3): what
// one read brought beyond that waits in `stash_`, and then TCP pushes back.
//
// Owner: the Hub, by slot; it erases a session only from finish(). Thread: its worker's.
// An idle session costs itself, its stream and its facts: no buffer, no timer, no parser.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/webhook/webhook_answer.h"
#include "protocol/websocket/message_reader.h"
#include "proxy/client/handshake_responder.h"
#include "proxy/client/member_index.h"
#include "proxy/client/session_context.h"
#include "proxy/client/token_grant.h"
#include "proxy/net/deadline_wheel.h"
#include "proxy/net/stream.h"
#include "proxy/push/push_command.h"
#include "proxy/routing/connection_facts.h"
#include "proxy/routing/webhook_job.h"

namespace sockhook::client {

class Session final : net::StreamListener, net::DeadlineListener {
 public:
  enum class State : uint8_t { kConnecting, kOpen, kClosing, kFinishing };

  Session(SessionContext& context, uint32_t slot, std::shared_ptr<routing::ConnectionFacts> facts,
          HandshakeResponder* responder, std::vector<std::string> offered_subprotocols);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // What its token says; before begin().
  void grant(TokenGrant grant);
  // Asks $connect, or opens at once where the endpoint has no such route. May destroy the session.
  void begin(const http::Headers& handshake, std::string_view query);
  // The client went away before the verdict; the responder is not called any more.
  void on_handshake_aborted();
  // May destroy the session.
  void on_webhook_result(routing::WebhookResult& result);

  push::Delivery push(const websocket::SharedFrame& frame, std::size_t payload_bytes);
  // By a backend; the first close wins. kGone when the session is closing already.
  push::Delivery close(uint16_t code, std::string_view reason);
  push::Delivery set_membership(const std::string& group, bool joins);
  // Closes with 1012 as soon as no webhook runs; a handshake is completed first.
  void drain();
  // Ends at once, whatever runs: the process is going away. May destroy the session.
  void kill();
  // This node cannot know whether it is declared dead: closes with 1012, or completes the handshake
  // first. The $disconnect follows when it is known. May destroy the session.
  void cut_off();
  // This node was declared dead, and another one sends the $disconnect: closes with 1012, or
  // refuses the handshake; no webhook follows. May destroy the session.
  void lose();

  push::ConnectionInfo describe() const;
  const routing::ConnectionFacts& facts() const { return *facts_; }
  routing::FactsPtr shared_facts() const { return facts_; }
  // The Hub's.
  uint32_t slot() const { return slot_; }
  State state() const { return state_; }
  bool is_open() const { return state_ == State::kOpen; }
  // For pushes: closing, closed, or a handshake that has failed.
  bool is_gone() const;
  bool is_member(std::string_view group) const { return MemberIndex::is_member(group, groups_); }
  bool is_draining() const { return is_draining_; }
  // If this node dies now, another one sends its $disconnect.
  bool has_record() const;

  // For pushes that come in a batch: see Corks. False: there is nothing to cork, or it is.
  bool cork();
  void uncork();

 private:
  // What only a connecting session needs.
  struct Held {
    HandshakeResponder* responder = nullptr;
    std::vector<std::string> offered;
    std::vector<std::string> groups;                 // of its token
    std::optional<websocket::DeflateTerms> deflate;  // what will be agreed on
    struct Push {
      websocket::SharedFrame frame;
      std::size_t payload_bytes;
    };
    std::vector<Push> pushes;
    std::size_t bytes = 0;                    // of all pushes
    std::map<std::string, bool> memberships;  // group: joins, or leaves
    bool is_abandoned = false;                // the handshake has failed while $connect runs
  };
  struct CloseCause {
    uint16_t code;
    std::string reason;
    webhook::ClosedBy by;
  };

  void on_read(std::string_view data) override;
  void on_end(int error) override;
  bool on_write_failed() override;
  void on_writable() override;
  void on_closed() override;
  void on_deadline(net::Deadline& deadline) override;

  // session_handshake.cc
  void on_connect_result(routing::WebhookResult& result);
  void conclude(webhook::ConnectAnswer& answer, observe::HandshakeResult failure);
  void open(webhook::ConnectAnswer& answer);
  void write_switching_protocols(const std::string& accept_key,
                                 const webhook::ConnectAnswer& answer,
                                 const std::optional<websocket::DeflateTerms>& deflate);
  bool take_users_place();
  void refuse(int status, const http::Headers& headers, std::string_view body,
              observe::HandshakeResult result);
  void abandon(webhook::ClosedBy by, observe::HandshakeResult result);
  push::Delivery close_connecting();
  push::Delivery hold(const websocket::SharedFrame& frame, std::size_t payload_bytes);

  // session.cc
  void process(std::string_view input);
  void on_message(const websocket::Incoming& message);
  void on_client_close(const websocket::Incoming& close);
  void on_message_result(routing::WebhookResult& result);
  void advance();
  bool may_process() const;
  bool is_at_limit() const;
  bool drops_messages() const;
  void pause_reading();
  void resume_reading();

  // session_output.cc
  bool send(const websocket::SharedFrame& frame);
  void write(const websocket::SharedFrame& frame);
  bool fits(const std::string& frame);
  void count_sent(std::size_t payload_bytes);
  void send_frames(const std::vector<webhook::OutFrame>& frames);
  void fail_message(std::string_view message, uint64_t number);
  void send_error_frame(std::string_view message, std::string_view request_id);
  std::string request_id_of(webhook::EventKind kind, uint64_t number) const;
  std::string fresh_request_id() const;
  void report_mistakes(const webhook::Effects& effects);
  void apply(const webhook::Effects& effects);

  // session_end.cc
  void start_closing(CloseCause cause);
  void close_with(uint16_t code, std::string_view reason, webhook::ClosedBy by);
  void close_stream_when_written();
  void restart_close_timeout();
  bool has_vanished() const;
  void finish();
  void hand_over_disconnect();

  // session_timers.cc
  void start_timers();
  void arm();
  void check_liveness();
  bool waits_for_rest() const;
  double tokens_now() const;
  bool is_waiting_for_token() const;
  uint64_t token_due_ms() const;
  bool take_message_token();
  uint32_t idle_words_now() const;
  void count_idle_words(std::size_t bytes);
  bool has_said_enough() const;

  const conf::Limits& limits() const { return facts_->endpoint->conf.limits; }
  uint64_t now_ms() const { return context_.loop.now_ms(); }

  SessionContext& context_;
  std::shared_ptr<routing::ConnectionFacts> facts_;
  std::unique_ptr<net::Stream> stream_;
  websocket::MessageReader reader_;
  std::string stash_;
  std::unique_ptr<SessionCompression> compression_;  // null: frames go as they are
  std::unique_ptr<Held> held_;                       // while connecting
  std::unique_ptr<CloseCause> cause_;                // once closing
  MemberIndex::Places groups_;
  MemberIndex::Places users_;
  net::Deadline deadline_{this};

  uint64_t last_received_ms_ = 0;
  uint64_t last_message_ms_ = 0;  // either way
  uint64_t last_ping_ms_ = 0;
  uint64_t reading_paused_at_ms_ = 0;
  uint64_t must_end_at_ms_ = 0;  // max_duration while open, the close handshake's limit after
  uint64_t expires_at_ms_ = 0;   // its token, with leeway; 0: it need not end with that
  uint64_t tokens_at_ms_ = 0;
  double tokens_ = 0;
  uint64_t messages_ = 0;    // events so far: the number in ce-id
  uint32_t in_flight_ = 0;   // webhooks running
  uint32_t idle_words_ = 0;  // left at idle_words_at_ms_, which wraps around
  uint32_t idle_words_at_ms_ = 0;
  const uint32_t slot_;
  State state_ = State::kConnecting;
  bool is_reading_ = false;
  bool is_draining_ = false;
  bool is_lost_ = false;  // see lose()
  bool closes_when_written_ = false;
  bool owes_disconnect_ = false;
  bool is_corked_ = false;
  bool has_users_place_ = false;  // counted by connections_per_user
};

}  // namespace sockhook::client
