// One function per section of the file, in the order in which they must be read: endpoints look up
// backends, and management.auth looks up endpoints.

#pragma once

#include <optional>
#include <vector>

#include "conf/config.h"
#include "conf/reader/cursor.h"

namespace sockhook::conf {

void read_node(const Cursor& cursor, Node* node);
void read_listen(const Cursor& cursor, Listen* listen);
void read_backends(const Cursor& cursor, std::vector<Backend>* backends);
void read_lambda(const Cursor& cursor, Lambda* lambda);
void read_endpoints(const Cursor& cursor, Config* config);
void read_limits(const Cursor& cursor, Limits* limits);
void read_auth(const Cursor& cursor, std::vector<Jwt>* jwt);
void read_passthrough(const Cursor& cursor, Config* config);
void read_management(const Cursor& cursor, Config* config);
void read_signing(const Cursor& cursor, Signing* signing);
void read_backplane(const Cursor& cursor, Backplane* backplane);
void read_drain(const Cursor& cursor, Drain* drain);
void read_ready(const Cursor& cursor, Ready* ready);
void read_log(const Cursor& cursor, Log* log);
void read_tracing(const Cursor& cursor, std::optional<Tracing>* tracing);

// The routes of one endpoint. `default_backend` is the endpoint's `backend`; `backend_cursor` is
// where to complain when a route needs it and it is missing.
void read_routes(const Cursor& cursor, const std::vector<Backend>& backends,
                 const Cursor& backend_cursor, Endpoint* endpoint);

// Their names, or what stands for them when there is none: what is allowed where one is named.
std::string allowed_backends(const std::vector<Backend>& backends);
// The index of the backend that the text names; nullopt, with a mistake, when there is none.
std::optional<std::size_t> read_backend_name(const Cursor& cursor,
                                             const std::vector<Backend>& backends);

// certificate and key of `section`: both or neither.
std::optional<CertificateFiles> read_certificate_files(Section& section);

}  // namespace sockhook::conf
