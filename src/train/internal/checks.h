// Checks of the numbers that losses are computed from.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "base/result.h"

namespace arena::train::internal {

/// Error: one of the numbers is NaN or infinite. It says which: "WHAT: number 7 is nan".
Status CheckFinite(std::span<const double> values, std::string_view what);

/// Error, a bug of the caller: the sizes differ.
Status CheckSizes(std::initializer_list<std::size_t> sizes, std::string_view what);

/// Error, a bug of the caller: `ends` does not ascend from above 0 to `size`.
Status CheckEnds(std::span<const std::int64_t> ends, std::size_t size);

/// Error: a count of a batch that divides its loss is not positive.
Status CheckCount(std::int64_t count, std::string_view what);

}  // namespace arena::train::internal
