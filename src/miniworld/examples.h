// Prompts with their right answers, drawn at random and kept apart by split.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/rng.h"
#include "miniworld/task.h"

namespace arena::mini {

enum class Split { kTrain, kDev, kTest };
std::string_view SplitName(Split split);

/// The split of a task asked with `prompt`: a tenth each for dev and test, the rest for training.
/// It follows from the task's hash (for tables from the prompt's), so it is the same for all seeds
/// and files: what one run trains on, no other run tests with.
Split SplitOf(const Task& task, std::string_view prompt);

struct Example {
  Family family = Family::kReverse;
  std::string prompt;
  std::vector<RatedAnswer> answers;  ///< every right answer, the best first
};

/// A random example of a family and split in a random wording, each word of which is left out with
/// the probability `drop_words`. None after 2,000 draws without one of the split.
std::optional<Example> DrawExample(Family family, Split split, double drop_words, Rng& rng);

/// `count` examples of a split with different prompts, in random order, each family as often as the
/// others. A family whose prompts are used up leaves its share to the others. The first n of a
/// larger set are the set of n. Error: kInvalidInput, there are not so many prompts, or `families`
/// is empty.
Result<std::vector<Example>> DistinctExamples(std::span<const Family> families, Split split,
                                              std::size_t count, std::uint64_t seed);

/// What a reference judge reads: the text of the one right answer, or for graded families a line
/// "WORTH<tab>TEXT" for each of them.
std::string ReferenceText(const Example& example);

}  // namespace arena::mini
