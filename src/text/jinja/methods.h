// Methods of strings and dictionaries.
#pragma once

#include <string_view>

#include "base/result.h"
#include "text/jinja/arguments.h"

namespace arena::jinja {

/// `object.name(arguments)`. Errors are without a line.
Result<Value> CallMethod(const Value& object, std::string_view name, const CallArguments& arguments,
                         Budget& budget);

/// The members of a dictionary as lists of a key and a value.
Result<Value> ItemsOf(const Value& dict, Budget& budget);

/// `text` with `from` replaced by `to`, at most `count` times (not given: all).
Result<Value> ReplaceText(const MarkedText& text, const Value& from, const Value& to,
                          const Value& count, Budget& budget);

}  // namespace arena::jinja
