// The transport over libcurl.
#pragma once

#include <memory>

#include "net/transport.h"

namespace arena {

/// Connections are reused; HTTP/2 is spoken where a server offers it over TLS; proxies come from
/// the environment as curl reads them; redirects are not followed, so that a key goes to no other
/// server. A request is sent once: curl's own second try on a reused connection is left out, so
/// that every sending is counted.
std::unique_ptr<Transport> MakeCurlTransport();

}  // namespace arena
