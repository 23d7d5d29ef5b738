// Helpers around nlohmann::json for building documents and for configuration-sized input.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace arena {

/// Objects keep the order in which their members were added.
using Json = nlohmann::ordered_json;

/// Parses one document. The error says at which byte and what was expected.
Result<Json> ParseJson(std::string_view text);

/// Writes a document; invalid UTF-8 becomes U+FFFD. indent < 0: one line.
std::string DumpJson(const Json& json, int indent = -1);

}  // namespace arena
