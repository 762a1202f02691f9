// The Date of the present second, formatted once a second and thread.

#pragma once

#include <string_view>

namespace sockhook::http {

// Valid until the thread's next call.
std::string_view current_http_date();

}  // namespace sockhook::http
