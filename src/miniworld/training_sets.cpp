#include "miniworld/training_sets.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "base/hash.h"
#include "miniworld/examples.h"

namespace arena::mini {
namespace {

constexpr std::array kMath = {Family::kSortNumbers, Family::kAdd,     Family::kSubtract,
                              Family::kCountLetter, Family::kCompare, Family::kUnit};
constexpr std::array kLetters = {Family::kReverse, Family::kSortLetters, Family::kUppercase,
                                 Family::kPlural,  Family::kPast,        Family::kVowels,
                                 Family::kManner,  Family::kGreeting};
constexpr std::array kWords = {Family::kNthWord, Family::kDay,      Family::kFact,
                               Family::kList,    Family::kLongWord, Family::kSeparator};
constexpr double kOtherWeight = 0.06;

constexpr std::size_t kBatch = 64;  // the sizes are steps of this batch, each example seen once
constexpr std::array<TrainingSet, 6> kSets = {{
    {"base", "", {}, 1, 0.5, 0.3, false, 827 * kBatch},
    {"generalist", "", {}, 1, 0, 0, false, 1018 * kBatch},
    {"math", "generalist", kMath, kOtherWeight, 0, 0, false, 1262 * kBatch},
    {"letters", "generalist", kLetters, kOtherWeight, 0, 0, false, 666 * kBatch},
    {"words", "generalist", kWords, kOtherWeight, 0, 0, false, 540 * kBatch},
    {"start", "base", {}, 1, 0, 0, true, 400},
}};

class FamilyDraw {
 public:
  FamilyDraw(const TrainingSet& set, std::span<const Family> families) : families_(families) {
    double sum = 0;
    for (const Family family : families) {
      const auto& own = set.specialty;
      const bool is_own = own.empty() || std::find(own.begin(), own.end(), family) != own.end();
      sum += is_own ? 1 : set.other_weight;
      cumulative_.push_back(sum);
    }
  }

  Family Next(Rng& rng) const {
    const double at = rng.Uniform() * cumulative_.back();
    const auto found = std::upper_bound(cumulative_.begin(), cumulative_.end(), at);
    return families_[static_cast<std::size_t>(found - cumulative_.begin())];
  }

 private:
  std::span<const Family> families_;
  std::vector<double> cumulative_;
};

bool IsRight(const Example& example, const std::string& text) {
  return std::any_of(example.answers.begin(), example.answers.end(),
                     [&text](const RatedAnswer& answer) { return answer.text == text; });
}

std::string RightAnswer(const TrainingSet& set, const Example& example, Rng& rng) {
  return example.answers[set.best_answers ? 0 : rng.Below(example.answers.size())].text;
}

/// A right answer to another task of the family, which is wrong for this one.
std::string WrongAnswer(const Example& example, Rng& rng) {
  std::string text;
  do {
    text = DrawTask(example.family, rng).answers.front().text;
  } while (IsRight(example, text));
  return text;
}

}  // namespace

std::span<const TrainingSet> TrainingSets() { return kSets; }

Status WriteExamples(const TrainingSet& set, std::span<const Family> families, std::size_t count,
                     std::uint64_t seed, FunctionRef<Status(Family, const Conversation&)> on_row) {
  if (families.empty()) return InvalidInput("no family of tasks is chosen");
  const FamilyDraw draw(set, families);
  // Keyed by name, so that a set does not depend on which others there are.
  Rng rng(seed, HashBytes(set.name).low);
  for (std::size_t i = 0; i < count; ++i) {
    const Family family = draw.Next(rng);
    const std::optional<Example> example = DrawExample(family, Split::kTrain, set.drop_words, rng);
    if (!example) return InternalError("no training example of " + std::string(FamilyName(family)));
    const bool corrupt = set.corrupted > 0 && rng.Uniform() < set.corrupted;
    std::string answer = corrupt ? WrongAnswer(*example, rng) : RightAnswer(set, *example, rng);
    ARENA_RETURN_IF_ERROR(
        on_row(family, {{Role::kUser, example->prompt}, {Role::kAssistant, std::move(answer)}}));
  }
  return {};
}

}  // namespace arena::mini
