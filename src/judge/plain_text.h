// Text reduced to what two people would call the same.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace arena {

struct PlainTextOptions {
  /// Otherwise punctuation counts as a space (an apostrophe as nothing), but for the sign, point
  /// and commas of a number.
  bool keep_punctuation = false;
  bool drop_articles = false;  ///< leave out the English words a, an, the
};

/// NFKC with Unicode case folding (ICU), runs of white space as one space and none at the ends. Of
/// more than 30 combining marks in a row the rest is dropped (as in UAX #15's stream-safe format:
/// ordering them would take quadratic time). Invalid UTF-8 becomes U+FFFD. Error: kInternal if ICU
/// has no data, kInvalidInput above 1 GiB.
Result<std::string> PlainText(std::string_view text, const PlainTextOptions& options);

}  // namespace arena
