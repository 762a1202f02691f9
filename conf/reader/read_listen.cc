// node, listen

#include "conf/reader/addresses.h"
#include "conf/reader/read_values.h"
#include "conf/reader/sections.h"
#include "protocol/http/cidr.h"

namespace sockhook::conf {
namespace {

constexpr double kMaxRate = 1e6;
constexpr std::size_t kMaxConnections = 10'000'000;

void read_address(const Cursor& cursor, Address* target) {
  const std::optional<std::string> text = cursor.text(kAddressAllowed);
  if (!text) return;
  const Scalar<Address> address = parse_address(*text);
  if (address) {
    *target = *address;
  } else {
    cursor.mistake(quote(*text) + " " + address.error(), kAddressAllowed);
  }
}

void read_tls(const Cursor& cursor, std::optional<ServerTls>* target) {
  if (!cursor.is_given()) return;
  Section section(cursor, "a map of certificate, key, client_ca and certificates");
  ServerTls tls;
  const std::optional<CertificateFiles> files = read_certificate_files(section);
  if (files) tls.files = *files;
  read_file_name(section["client_ca"], &tls.client_ca);
  for (const Cursor& item : section["certificates"].items("a list of {certificate, key}")) {
    if (!item.require("a map of certificate and key")) continue;
    Section pair(item, "a map of certificate and key");
    const std::optional<CertificateFiles> more = read_certificate_files(pair);
    if (more) tls.certificates.push_back(*more);
  }
  if (files) {
    *target = std::move(tls);
  } else if (tls.client_ca || !tls.certificates.empty()) {
    section["certificate"].require("the name of a file");
  }
}

void read_trusted_proxies(const Cursor& cursor, std::vector<std::string>* target) {
  constexpr std::string_view kAllowed = "a CIDR or an IP address, such as 10.0.0.0/8 or fd00::1";
  for (const Cursor& item : cursor.items("a list of CIDRs")) {
    std::string text;
    if (!item.require(kAllowed) || !read_text(item, &text, kAllowed)) continue;
    if (http::Cidr::parse(text)) {
      target->push_back(text);
    } else {
      item.mistake(quote(text) + " is no CIDR", kAllowed);
    }
  }
}

void read_node_connections(const Cursor& cursor, PublicListener* listener) {
  const std::optional<std::string> text =
      cursor.text("a percentage such as 90%, or a whole number");
  if (!text) return;
  Percent percent;
  std::size_t number = 0;
  if (text->ends_with('%')) {
    if (read_percent(cursor, &percent)) listener->connections = percent;
  } else if (read_integer(cursor, &number, {1, kMaxConnections})) {
    listener->connections = number;
  }
}

void read_public(const Cursor& cursor, PublicListener* listener) {
  Section section(cursor);
  read_address(section["address"], &listener->address);
  read_tls(section["tls"], &listener->tls);
  read_trusted_proxies(section["trusted_proxies"], &listener->trusted_proxies);
  read_bool(section["proxy_protocol"], &listener->proxy_protocol);
  read_size(section["header_size"], &listener->header_size, {256, 1_MiB});
  read_duration(section["handshake_timeout"], &listener->handshake_timeout, {Duration{1}, kHour});
  const Cursor rate = section["handshakes_per_second"];
  double handshakes = 0;
  if (rate.is_word("off")) {
    listener->handshakes_per_second.reset();
  } else if (read_decimal(rate, &handshakes, kMaxRate, "off, or a number up to 1000000")) {
    listener->handshakes_per_second = handshakes;
  }
  read_node_connections(section["connections"], listener);
}

void read_management_listener(const Cursor& cursor, ManagementListener* listener) {
  Section section(cursor);
  read_address(section["address"], &listener->address);
  read_tls(section["tls"], &listener->tls);
  read_size(section["body_size"], &listener->body_size, {1, kGiB});
}

void read_admin(const Cursor& cursor, AdminListener* listener) {
  Section section(cursor);
  read_address(section["address"], &listener->address);
  std::string token;
  if (read_bearer_token(section["token"], &token)) listener->token = token;
}

}  // namespace

std::optional<CertificateFiles> read_certificate_files(Section& section) {
  const Cursor certificate = section["certificate"];
  const Cursor key = section["key"];
  if (!certificate.is_given() && !key.is_given()) return std::nullopt;
  CertificateFiles files;
  certificate.require("the name of a file, since there is a key");
  key.require("the name of a file, since there is a certificate");
  read_file_name(certificate, &files.certificate);
  read_file_name(key, &files.key);
  return files;
}

void read_node(const Cursor& cursor, Node* node) {
  Section section(cursor);
  std::string id;
  if (read_name(section["id"], &id)) node->id = id;
  unsigned workers = 0;
  if (read_integer(section["workers"], &workers, {1, 256})) node->workers = workers;
}

void read_listen(const Cursor& cursor, Listen* listen) {
  Section section(cursor);
  const Cursor public_ = section["public"];
  const Cursor management = section["management"];
  const Cursor admin = section["admin"];
  read_public(public_, &listen->public_);
  read_management_listener(management, &listen->management);
  read_admin(admin, &listen->admin);

  constexpr std::string_view kAllowed = "an address of its own for each listener";
  const Address& first = listen->public_.address;
  const Address& second = listen->management.address;
  const Address& third = listen->admin.address;
  if (second == first) {
    management.mistake("listens on " + second.to_string() + " like listen.public", kAllowed);
  }
  if (third == first || third == second) {
    admin.mistake("listens on " + third.to_string() + " like listen." +
                      (third == first ? "public" : "management"),
                  kAllowed);
  }
}

}  // namespace sockhook::conf
