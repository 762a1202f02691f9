// Publisher: pushes to clients that are open, one push after another, through the management API of
// any node; the next node when one does not answer.

#pragma once

#include <netinet/in.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "tests/drain/client.h"

namespace drain_load {

class Publisher final : public Wire {
 public:
  Publisher(ClientContext& context, std::vector<std::unique_ptr<Client>>& clients,
            std::vector<sockaddr_in> nodes, int64_t pause_ms, std::size_t first)
      : Wire(context.loop),
        context_(context),
        clients_(clients),
        nodes_(std::move(nodes)),
        pause_ms_(pause_ms),
        next_node_(first) {}

  void start();
  bool is_idle() const { return !is_waiting_; }

 private:
  void push();
  void on_connected() override { push(); }
  std::size_t on_data(std::string_view bytes) override;
  void on_end() override;

  ClientContext& context_;
  std::vector<std::unique_ptr<Client>>& clients_;
  const std::vector<sockaddr_in> nodes_;
  const int64_t pause_ms_;
  std::size_t next_node_;
  std::size_t number_ = 0;
  bool is_waiting_ = false;  // for the answer to push `number_`
};

}  // namespace drain_load
