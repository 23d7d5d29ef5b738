#include "train/internal/checks.h"

#include <fmt/format.h>

#include <cmath>

namespace arena::train::internal {

Status CheckFinite(std::span<const double> values, std::string_view what) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      return InvalidInput(fmt::format("{}: number {} is {}", what, i, values[i]));
    }
  }
  return {};
}

Status CheckSizes(std::initializer_list<std::size_t> sizes, std::string_view what) {
  for (const std::size_t size : sizes) {
    if (size != *sizes.begin()) {
      return InternalError(fmt::format("{}: sizes {} and {} differ", what, *sizes.begin(), size));
    }
  }
  return {};
}

Status CheckEnds(std::span<const std::int64_t> ends, std::size_t size) {
  std::int64_t begin = 0;
  for (const std::int64_t end : ends) {
    if (end <= begin) return InternalError(fmt::format("an answer ends at {} <= {}", end, begin));
    begin = end;
  }
  if (begin != static_cast<std::int64_t>(size)) {
    return InternalError(fmt::format("the last answer ends at {} of {} tokens", begin, size));
  }
  return {};
}

Status CheckCount(std::int64_t count, std::string_view what) {
  if (count > 0) return {};
  return InvalidInput(fmt::format("the batch has no {}", what));
}

}  // namespace arena::train::internal
