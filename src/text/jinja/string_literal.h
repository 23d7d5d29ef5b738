// What stands between the quotes of a string in a template.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace arena::jinja {

/// Resolves escapes as Python does: \n, \t, \\, \', \", \xNN, \uNNNN, \UNNNNNNNN, octal, and the
/// end of a line; a backslash before anything else stays. The result is UTF-8.
Result<std::string> UnescapeString(std::string_view quoted);

}  // namespace arena::jinja
