// CertificateReload: takes up renewed certificates, keys and authorities: when a file that the
// Config names has changed, and on SIGHUP.
//
// All are read and checked anew. What can be used takes the place of what was there: each worker
// gets a message, the management listener is told here. It is for the handshakes that begin from
// then on; no open connection notices. What cannot be used (a half of a pair, rubbish) is refused
// with its sentence in the log, and all that was there stays. Either is counted
// (sockhook_config_reloads_total).
//
// What is kept for a worker whose mailbox is full is one reload, the newest.
//
// Owner: the Control. Thread: the control loop's, which reads the files: it stands still meanwhile.

#pragma once

#include <memory>

#include "proxy/cluster/worker_outbox.h"
#include "proxy/net/file_watch.h"
#include "proxy/node.h"

namespace sockhook {

class CertificateReloadOwner {
 public:
  // From inside reload(), and from the loop. The workers will hear of them.
  virtual void on_certificates(const TlsContexts& contexts) = 0;

 protected:
  ~CertificateReloadOwner() = default;
};

class CertificateReload final : net::FileWatchListener {
 public:
  // Watches from now on what the Node began with.
  CertificateReload(net::Loop& loop, Node& node, cluster::WorkerOutbox::Post post_to_worker,
                    CertificateReloadOwner* owner);
  CertificateReload(const CertificateReload&) = delete;
  CertificateReload& operator=(const CertificateReload&) = delete;

  void reload();

 private:
  void on_files_changed() override { reload(); }

  Node& node_;
  CertificateReloadOwner* const owner_;
  cluster::WorkerOutbox workers_;
  std::shared_ptr<const TlsContexts> current_;
  net::FileWatch watch_;
};

}  // namespace sockhook
