#include "text/jinja/arguments.h"

#include <fmt/format.h>

#include <algorithm>

namespace arena::jinja {

Result<std::vector<Value>> Bind(std::string_view what, const CallArguments& arguments,
                                std::initializer_list<std::string_view> parameters) {
  if (arguments.positional.size() > parameters.size()) {
    return InvalidInput(fmt::format("'{}' takes at most {} arguments here, not {}", what,
                                    parameters.size(), arguments.positional.size()));
  }
  std::vector<Value> bound = arguments.positional;
  bound.resize(parameters.size());
  for (const auto& [name, value] : arguments.named) {
    const auto* found = std::find(parameters.begin(), parameters.end(), name);
    if (found == parameters.end()) {
      return InvalidInput(fmt::format("the argument '{}' of '{}' is not supported", name, what));
    }
    bound[static_cast<std::size_t>(found - parameters.begin())] = value;
  }
  return bound;
}

Result<const MarkedText*> NeedText(std::string_view what, const Value& value) {
  if (!value.IsString()) {
    return InvalidInput(fmt::format("'{}' needs a string, not {}", what, value.KindName()));
  }
  return &value.text();
}

Result<std::int64_t> NeedInt(std::string_view what, const Value& value, std::int64_t otherwise) {
  if (value.IsUndefined() || value.IsNone()) return otherwise;
  if (!value.IsInt() && !value.IsBool()) {
    return InvalidInput(fmt::format("'{}' needs an integer, not {}", what, value.KindName()));
  }
  return value.int_value();
}

}  // namespace arena::jinja
