// The board of a loop: everyone on the test set.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "rating/board.h"
#include "store/store.h"

namespace arena::flywheel_internal {

struct Evaluation {
  Board board;
  /// The share of test instructions with an answer that the judge gives the full score.
  std::map<std::string, double> exact_match;
  /// The same by the instructions' category.
  std::map<std::string, std::map<std::string, double>> exact_by_category;
};

/// Rates all battles of the store; the mean rating of `rivals` is 1000.
Result<Evaluation> Evaluate(Store& store, const std::vector<std::string>& rivals);

}  // namespace arena::flywheel_internal
