// Filters and tests.
#pragma once

#include <string_view>

#include "base/result.h"
#include "text/jinja/arguments.h"

namespace arena::jinja {

/// `input | name(arguments)`. Errors are without a line.
Result<Value> ApplyFilter(std::string_view name, const Value& input, const CallArguments& arguments,
                          Budget& budget);

/// `input is name(arguments)`.
Result<bool> ApplyTest(std::string_view name, const Value& input, const CallArguments& arguments,
                       Budget& budget);

}  // namespace arena::jinja
