// Typed values of a request's fields, with errors in the API's shape.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/api_error.h"

namespace arena::json_value {

using Value = simdjson::dom::element;
/// None: all is well.
using Problem = std::optional<ApiError>;

ApiError WrongType(std::string_view field, std::string_view expected);

// Each writes `out` or says what is wrong with the field.
Problem ReadBool(Value value, std::string_view field, bool& out);
Problem ReadText(Value value, std::string_view field, std::string& out);
/// A whole number in [low, high]; 3.0 counts as one.
Problem ReadInteger(Value value, std::string_view field, std::int64_t low, std::int64_t high,
                    std::int64_t& out);
/// A number in [low, high].
Problem ReadNumber(Value value, std::string_view field, double low, double high, double& out);
/// One text or a list of 1 to `most` of them.
Problem ReadTexts(Value value, std::string_view field, std::size_t most,
                  std::vector<std::string>& out);

/// A field of an object of the API and what to do with it.
template <typename Body>
struct Field {
  std::string_view name;
  Problem (*read)(Body& body, Value value);
};

/// Reads an object's members by a table; `unknown(name, value)` is asked about the others. Members
/// that are null are passed over.
template <typename Body, std::size_t kCount, typename Unknown>
Problem ReadObject(simdjson::dom::object object, const Field<Body> (&fields)[kCount], Body& body,
                   Unknown unknown) {
  for (const auto [name, value] : object) {
    if (value.is_null()) continue;
    bool is_known = false;
    for (const Field<Body>& field : fields) {
      if (field.name != name) continue;
      is_known = true;
      if (Problem problem = field.read(body, value)) return problem;
      break;
    }
    if (is_known) continue;
    if (Problem problem = unknown(name, value)) return problem;
  }
  return std::nullopt;
}

}  // namespace arena::json_value
