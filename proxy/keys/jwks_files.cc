#include "proxy/keys/jwks_files.h"

#include <utility>

#include "proxy/keys/key_file_text.h"

namespace sockhook::keys {

JwksFiles::JwksFiles(net::Loop& loop, const std::vector<KeyFile>& files, KeyListener* listener,
                     uint64_t interval_ms)
    : watch_(loop, this, interval_ms) {
  std::vector<net::FilePrint> known;
  for (const KeyFile& file : files) {
    const std::string& path = file.print.path;
    files_.push_back({path, std::make_unique<KeySource>(loop, path, file.keys, listener)});
    known.push_back(file.print);
  }
  watch_.watch(std::move(known));
}

void JwksFiles::refresh(const IssuerKeys& keys) {
  for (File& file : files_) {
    if (&file.source->keys() == &keys) read(file);
  }
}

void JwksFiles::add_facts(std::vector<observe::KeyFacts>& facts) const {
  for (const File& file : files_) facts.push_back(file.source->facts());
}

void JwksFiles::read(File& file) {
  file.source->begin();
  file.source->end(read_key_file(file.path));
}

void JwksFiles::on_files_changed() {
  for (File& file : files_) read(file);
}

}  // namespace sockhook::keys
