// References that list several right answers of different worth.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace arena {

struct GradedAnswer {
  double worth = 10;  ///< the score that it gets, 1 to 10
  std::string text;
};

/// Reads a line "WORTH<tab>TEXT" for each right answer; a reference without any tab is one answer
/// of worth 10. The best comes first, of equals the earlier. Errors: a line without a tab or a
/// text, a worth that is not a number from 1 to 10, the same text twice.
Result<std::vector<GradedAnswer>> ReadGradedReference(std::string_view reference);

}  // namespace arena
