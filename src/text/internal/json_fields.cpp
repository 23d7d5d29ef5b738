#include "text/internal/json_fields.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace arena {
namespace {

const Json* Member(const Json& object, std::string_view key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(std::string(key));
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

}  // namespace

Result<std::string> RequiredString(const Json& object, std::string_view key,
                                   std::string_view what) {
  ARENA_ASSIGN_OR_RETURN(auto value, OptionalString(object, key, what));
  if (!value) return InvalidInput(fmt::format("{} has no \"{}\"", what, key));
  return *std::move(value);
}

Result<std::optional<std::string>> OptionalString(const Json& object, std::string_view key,
                                                  std::string_view what) {
  const Json* member = Member(object, key);
  if (member == nullptr) return std::optional<std::string>();
  if (!member->is_string()) {
    return InvalidInput(fmt::format("\"{}\" of {} is not a string", key, what));
  }
  return std::optional(member->get<std::string>());
}

Result<bool> BoolOr(const Json& object, std::string_view key, bool otherwise,
                    std::string_view what) {
  const Json* member = Member(object, key);
  if (member == nullptr) return otherwise;
  if (!member->is_boolean()) {
    return InvalidInput(fmt::format("\"{}\" of {} is not true or false", key, what));
  }
  return member->get<bool>();
}

Result<const Json*> RequiredArray(const Json& object, std::string_view key, std::string_view what) {
  const Json* member = Member(object, key);
  if (member == nullptr || !member->is_array()) {
    return InvalidInput(fmt::format("{} has no array \"{}\"", what, key));
  }
  return member;
}

Result<std::string> ComponentType(const Json& component, std::string_view what) {
  if (!component.is_object()) return InvalidInput(fmt::format("{} is not an object", what));
  return RequiredString(component, "type", what);
}

}  // namespace arena
