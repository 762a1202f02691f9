// What changes in a plain request on its way to the backend, and in the answer on its way back.
//
// Pure functions over heads. Sources: RFC 9110 7.6 (forwarding), contract 4.5. The client's Host is
// kept, as applications behind a sidecar expect: they make links from it.

#pragma once

#include <string>
#include <string_view>

#include "conf/config.h"
#include "protocol/http/forwarded.h"
#include "protocol/http/http_message.h"

namespace sockhook::passthrough {

// What only the proxy may say is taken out, what it has to say is put in; once per request.
void prepare_request(http::RequestHead& head, const http::Forwarded& client,
                     const conf::Backend& backend);
// The serialised head of a prepared request for one of the backend's URLs.
std::string request_head(const http::RequestHead& prepared, const conf::BackendUrl& url);

// Takes out what is between the backend and us. Of an informational answer, its framing too.
void prepare_answer(http::Headers& headers);
void prepare_informational(http::Headers& headers);

// RFC 9110 9.2.2: a second delivery does no harm.
bool is_idempotent(std::string_view method);

}  // namespace sockhook::passthrough
