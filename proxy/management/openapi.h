// The OpenAPI 3.1 document of the management API: openapi.json beside this file, built in.

#pragma once

#include <string_view>

namespace sockhook::management {

extern const std::string_view kOpenApiDocument;

}  // namespace sockhook::management
