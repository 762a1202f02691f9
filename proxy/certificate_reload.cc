#include "proxy/certificate_reload.h"

#include <utility>

#include "proxy/observe/log.h"

namespace sockhook {

using observe::Level;
using observe::LogLine;
using observe::ReloadResult;

CertificateReload::CertificateReload(net::Loop& loop, Node& node,
                                     cluster::WorkerOutbox::Post post_to_worker,
                                     CertificateReloadOwner* owner)
    : node_(node),
      owner_(owner),
      workers_(loop, node.workers, std::move(post_to_worker)),
      current_(node.tls),
      watch_(loop, this) {
  watch_.watch(current_->files);
}

void CertificateReload::reload() {
  std::vector<net::FilePrint> files = net::FilePrint::of_all(TlsContexts::files_of(*node_.config));
  auto loaded = TlsContexts::load(*node_.config, current_.get());
  watch_.watch(std::move(files));
  if (!loaded) {
    node_.metrics.control.reloads[ReloadResult::kRefused].add(1);
    LogLine(Level::kError, "certificates were not reloaded: those of before stay")
        .field("error", loaded.error());
    return;
  }
  node_.metrics.control.reloads[ReloadResult::kOk].add(1);
  LogLine(Level::kInfo, "certificates reloaded").field("files", uint64_t{loaded->files.size()});
  current_ = std::make_shared<const TlsContexts>(std::move(*loaded));
  workers_.clear();
  workers_.post_to_all(UseCertificates{current_});
  owner_->on_certificates(*current_);
}

}  // namespace sockhook
