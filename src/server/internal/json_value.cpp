#include "server/internal/json_value.h"

#include <fmt/format.h>

#include <cmath>

namespace arena::json_value {

ApiError WrongType(std::string_view field, std::string_view expected) {
  return BadRequest(fmt::format("{}: expected {}", field, expected), std::string(field),
                    "invalid_type");
}

Problem ReadBool(Value value, std::string_view field, bool& out) {
  if (value.get(out) != simdjson::SUCCESS) return WrongType(field, "true or false");
  return std::nullopt;
}

Problem ReadText(Value value, std::string_view field, std::string& out) {
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) return WrongType(field, "a string");
  out = text;
  return std::nullopt;
}

Problem ReadInteger(Value value, std::string_view field, std::int64_t low, std::int64_t high,
                    std::int64_t& out) {
  double number = 0;
  if (value.get(out) != simdjson::SUCCESS) {
    // Whole numbers that a client wrote with a point; 2^53 bounds what a double says exactly.
    if (!value.is_number()) return WrongType(field, "a whole number");
    if (value.get(number) != simdjson::SUCCESS || number != std::floor(number)) {
      return WrongType(field, "a whole number");
    }
    if (std::abs(number) > 0x1p53) {
      return BadRequest(fmt::format("{}: must be from {} to {}", field, low, high),
                        std::string(field), "invalid_value");
    }
    out = static_cast<std::int64_t>(number);
  }
  if (out < low || out > high) {
    return BadRequest(fmt::format("{}: {} is not from {} to {}", field, out, low, high),
                      std::string(field), "invalid_value");
  }
  return std::nullopt;
}

Problem ReadNumber(Value value, std::string_view field, double low, double high, double& out) {
  if (!value.is_number() || value.get(out) != simdjson::SUCCESS) {
    return WrongType(field, "a number");
  }
  if (!(out >= low && out <= high)) {
    return BadRequest(fmt::format("{}: {} is not from {} to {}", field, out, low, high),
                      std::string(field), "invalid_value");
  }
  return std::nullopt;
}

Problem ReadTexts(Value value, std::string_view field, std::size_t most,
                  std::vector<std::string>& out) {
  out.clear();
  simdjson::dom::array list;
  if (value.get(list) != simdjson::SUCCESS) {
    if (!value.is_string()) return WrongType(field, "a string or a list of strings");
    return ReadText(value, field, out.emplace_back());
  }
  for (const Value item : list) {
    if (out.size() == most) {
      return BadRequest(fmt::format("{}: more than {} strings", field, most), std::string(field),
                        "invalid_value");
    }
    if (!item.is_string()) {
      return WrongType(field, "a string or a list of strings (token ids are not supported)");
    }
    if (Problem problem = ReadText(item, field, out.emplace_back())) return problem;
  }
  return std::nullopt;
}

}  // namespace arena::json_value
