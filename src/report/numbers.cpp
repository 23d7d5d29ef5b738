#include "report/numbers.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace arena {
namespace {

// Above this a double has no sixth decimal to round, and no exact integer either.
constexpr double kLargestRounded = 9e15 / 1e6;
constexpr double kLargestWhole = 9e15;

double RoundSix(double value) {
  if (std::abs(value) >= kLargestRounded) {
    return value;
  }
  // Adding zero turns -0.0 into 0.0.
  return std::round(value * 1e6) / 1e6 + 0.0;
}

}  // namespace

std::string FixedNumber(double value, int decimals) {
  if (!std::isfinite(value)) {
    return "n/a";
  }
  std::string text = fmt::format("{:.{}f}", value, decimals);
  if (text.starts_with('-') && text.find_first_not_of("-0.") == std::string::npos) {
    text.erase(0, 1);
  }
  return text;
}

std::string CountNumber(double count) {
  if (!std::isfinite(count)) {
    return "n/a";
  }
  std::string text = FixedNumber(count, count == std::round(count) ? 0 : 1);
  const std::size_t first = text.starts_with('-') ? 1 : 0;
  std::size_t at = text.find('.');
  if (at == std::string::npos) {
    at = text.size();
  }
  while (at > first + 3) {
    at -= 3;
    text.insert(at, ",");
  }
  return text;
}

std::string CountNumber(std::int64_t count) { return CountNumber(static_cast<double>(count)); }

double ShareOf(std::int64_t part, std::int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

Json JsonNumber(double value) {
  return std::isfinite(value) ? Json(RoundSix(value)) : Json(nullptr);
}

Json JsonCount(double count) {
  const double rounded = RoundSix(count);
  if (std::isfinite(count) && rounded == std::round(rounded) && std::abs(rounded) < kLargestWhole) {
    return Json(static_cast<std::int64_t>(rounded));
  }
  return JsonNumber(count);
}

std::string PlainNumber(double value) {
  return std::isfinite(value) ? DumpJson(JsonCount(value)) : std::string();
}

std::string LevelPercent(double level) { return fmt::format("{:g}%", RoundSix(level * 100)); }

}  // namespace arena
