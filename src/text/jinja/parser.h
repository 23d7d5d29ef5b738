// A template's source as statements.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "text/jinja/ast.h"

namespace arena::jinja {

/// Larger ones are refused.
inline constexpr std::size_t kMaxSourceBytes = std::size_t{1} << 20;

/// Parses the part of Jinja that docs/formats/chat-templates.md lists. `name` is what errors call
/// the template: "NAME:LINE: ...". Thread-safe.
Result<Body> Parse(std::string_view source, std::string_view name);

}  // namespace arena::jinja
