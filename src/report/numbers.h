// How reports write numbers, the same on every machine and in every locale.
#pragma once

#include <cstdint>
#include <string>

#include "base/json.h"

namespace arena {

/// `value` with `decimals` digits after the point and never "-0.0"; "n/a" for what is not finite.
std::string FixedNumber(double value, int decimals);

/// A count with commas: 1,319. A count with a fraction (weighted battles) keeps one digit.
std::string CountNumber(double count);
std::string CountNumber(std::int64_t count);

/// part / whole; 0 where there is no whole.
double ShareOf(std::int64_t part, std::int64_t whole);

/// A number for JSON: rounded to 6 decimals, so that boards can be compared byte for byte; null for
/// what is not finite.
Json JsonNumber(double value);

/// The same, but a whole number is written without a point.
Json JsonCount(double count);

/// JsonCount's number as text; empty for what is not finite.
std::string PlainNumber(double value);

/// The percentage that a level is, without needless digits: 0.95 -> "95%", 0.995 -> "99.5%".
std::string LevelPercent(double level);

}  // namespace arena
