// What the target's base and its rivals are trained on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/function_ref.h"
#include "base/result.h"
#include "core/conversation.h"
#include "miniworld/task.h"

namespace arena::mini {

/// How to make the training data of one model.
struct TrainingSet {
  std::string_view name;    ///< of the model and of its file
  std::string_view parent;  ///< the set whose model is trained further; empty: random weights
  std::span<const Family> specialty;  ///< empty: all families alike
  double other_weight = 1;            ///< of the other families, beside 1 for the specialty
  double drop_words = 0;              ///< the probability of leaving out each word of a wording
  double corrupted = 0;       ///< the share of answers that are those of another task of the family
  bool best_answers = false;  ///< graded families: the best answer; else any right one
  std::size_t examples = 0;   ///< by default
};

/// base (the target's), generalist, math, letters, words, start (what SFT-I0 learns from), in an
/// order in which parents come first.
std::span<const TrainingSet> TrainingSets();

/// Draws `count` examples of the training split, prompts may come again: on_row(family,
/// conversation) gets each, the answer as the closing assistant message. The first n of a longer
/// set are the set of n. Errors: no family left to draw from, or on_row's.
Status WriteExamples(const TrainingSet& set, std::span<const Family> families, std::size_t count,
                     std::uint64_t seed, FunctionRef<Status(Family, const Conversation&)> on_row);

}  // namespace arena::mini
