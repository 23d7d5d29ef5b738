// Marks of single answers against one reference.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "judge/reference_judge.h"

namespace arena {

/// What one answer gets: 1 to 10, and why, as in "found 18 by `A:`, reference 18: equal".
struct AnswerScore {
  double score = 1;
  std::string reason;
};

/// A reference, read once, against which answers are marked. Thread-safe.
class ReferenceMatcher {
 public:
  virtual ~ReferenceMatcher() = default;
  virtual Result<AnswerScore> Score(std::string_view answer) const = 0;
};

/// Error: kInvalidInput, `reference` holds nothing that `options.match` can compare with.
Result<std::unique_ptr<ReferenceMatcher>> ReadReference(const ReferenceJudgeOptions& options,
                                                        std::string_view reference);

}  // namespace arena
