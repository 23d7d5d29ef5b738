// The arguments of a filter, a test, a method or a function.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "text/jinja/budget.h"
#include "text/jinja/value.h"

namespace arena::jinja {

struct CallArguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string_view, Value>> named;

  bool empty() const { return positional.empty() && named.empty(); }
};

/// One value per parameter; undefined: not given. Too many arguments and unknown names are errors
/// that name `what`.
Result<std::vector<Value>> Bind(std::string_view what, const CallArguments& arguments,
                                std::initializer_list<std::string_view> parameters);

// Each is an error that names `what` where the value is of another kind.
Result<const MarkedText*> NeedText(std::string_view what, const Value& value);
/// `otherwise` where the value is not given.
Result<std::int64_t> NeedInt(std::string_view what, const Value& value, std::int64_t otherwise);

}  // namespace arena::jinja
