#include "checkpoint/internal/config_keys.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace arena::internal {
namespace {

// A value for an error message, not longer than a line.
std::string Shown(const Json& value) {
  constexpr std::size_t kMost = 80;
  std::string text = DumpJson(value);
  if (text.size() > kMost) text = text.substr(0, kMost) + "...";
  return text;
}

// Integers beyond int64 are none.
std::optional<std::int64_t> AsInteger(const Json& value) {
  if (value.is_number_unsigned()) {
    const auto number = value.get<std::uint64_t>();
    if (number > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
    return static_cast<std::int64_t>(number);
  }
  if (value.is_number_integer()) return value.get<std::int64_t>();
  return std::nullopt;
}

}  // namespace

ConfigKeys::ConfigKeys(const Json& object, std::string where)
    : object_(object), where_(std::move(where)) {
  if (!object_.is_object()) Fail("must be a JSON object");
}

const Json* ConfigKeys::Find(std::string_view key) const {
  if (!object_.is_object()) return nullptr;
  const auto found = object_.find(key);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

bool ConfigKeys::Has(std::string_view key) const { return Find(key) != nullptr; }

void ConfigKeys::Fail(std::string_view message) {
  if (status_.ok()) status_ = InvalidInput(fmt::format("{}: {}", where_, message));
}

void ConfigKeys::Missing(std::string_view key) { Fail(fmt::format("\"{}\" is missing", key)); }

void ConfigKeys::Refuse(std::string_view key, std::string_view supported) {
  const Json* value = Find(key);
  Fail(fmt::format("\"{}\" is {}; supported: {}", key, value ? Shown(*value) : "null", supported));
}

void ConfigKeys::Adopt(const ConfigKeys& nested) {
  if (status_.ok()) status_ = nested.status_;
}

void ConfigKeys::AllowOnly(std::initializer_list<std::string_view> keys) {
  if (!object_.is_object()) return;
  for (const auto& [key, value] : object_.items()) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
      Fail(fmt::format("\"{}\" is not known here; supported: {}", key, fmt::join(keys, ", ")));
    }
  }
}

std::int64_t ConfigKeys::Integer(std::string_view key, std::int64_t low, std::int64_t high,
                                 std::optional<std::int64_t> fallback) {
  const Json* value = Find(key);
  if (value == nullptr) {
    if (!fallback) Missing(key);
    return fallback.value_or(low);
  }
  const auto number = AsInteger(*value);
  if (!number || *number < low || *number > high) {
    Refuse(key, fmt::format("a whole number from {} to {}", low, high));
    return fallback.value_or(low);
  }
  return *number;
}

std::optional<double> ConfigKeys::OptionalNumber(std::string_view key, double low, double high) {
  const Json* value = Find(key);
  if (value == nullptr) return std::nullopt;
  const double number = value->is_number() ? value->get<double>() : std::nan("");
  if (!(number >= low && number <= high)) {
    Refuse(key, fmt::format("a number from {} to {}", low, high));
    return std::nullopt;
  }
  return number;
}

double ConfigKeys::Number(std::string_view key, double low, double high,
                          std::optional<double> fallback) {
  if (!Has(key)) {
    if (!fallback) Missing(key);
    return fallback.value_or(low);
  }
  return OptionalNumber(key, low, high).value_or(fallback.value_or(low));
}

bool ConfigKeys::Boolean(std::string_view key, bool fallback) {
  const Json* value = Find(key);
  if (value == nullptr) return fallback;
  if (!value->is_boolean()) {
    Refuse(key, "true and false");
    return fallback;
  }
  return value->get<bool>();
}

std::string ConfigKeys::Text(std::string_view key, std::string_view fallback) {
  const Json* value = Find(key);
  if (value == nullptr) return std::string(fallback);
  if (!value->is_string()) {
    Refuse(key, "a string");
    return std::string(fallback);
  }
  return value->get<std::string>();
}

std::vector<std::int64_t> ConfigKeys::Integers(std::string_view key, std::int64_t low,
                                               std::int64_t high) {
  constexpr std::size_t kMost = 1024;
  const Json* value = Find(key);
  std::vector<std::int64_t> numbers;
  if (value == nullptr) return numbers;
  const bool is_list = value->is_array();
  const std::size_t count = is_list ? value->size() : 1;
  for (std::size_t i = 0; i < count && count <= kMost; ++i) {
    const auto number = AsInteger(is_list ? (*value)[i] : *value);
    if (!number || *number < low || *number > high) break;
    numbers.push_back(*number);
  }
  if (numbers.size() != count) {
    Refuse(key, fmt::format("a whole number from {} to {}, or a list of at most {} of them", low,
                            high, kMost));
  }
  return numbers;
}

}  // namespace arena::internal
