// Who may use the server.
#pragma once

#include <string_view>

namespace arena {

/// Whether an address can be reached from this machine only: localhost, 127.0.0.0/8, ::1.
bool IsLoopback(std::string_view host);

/// Whether the value of an Authorization header is "Bearer TOKEN". The time that it takes says
/// nothing about where they differ. `token` is not empty.
bool IsAuthorised(std::string_view header, std::string_view token);

}  // namespace arena
