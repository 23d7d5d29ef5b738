// Members of the objects in tokenizer files, with errors that name them.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace arena {

/// A member that must be there and be a string. `what` names the object in errors.
Result<std::string> RequiredString(const Json& object, std::string_view key, std::string_view what);

/// A string member; none where it is absent or null.
Result<std::optional<std::string>> OptionalString(const Json& object, std::string_view key,
                                                  std::string_view what);

/// A Boolean member; `otherwise` where it is absent or null.
Result<bool> BoolOr(const Json& object, std::string_view key, bool otherwise,
                    std::string_view what);

/// The array of components of a "Sequence" under `key`.
Result<const Json*> RequiredArray(const Json& object, std::string_view key, std::string_view what);

/// A component's "type".
Result<std::string> ComponentType(const Json& component, std::string_view what);

}  // namespace arena
