#include "miniworld/examples.h"

#include <fmt/format.h>

#include <unordered_set>

#include "base/hash.h"

namespace arena::mini {
namespace {

constexpr int kMaxDraws = 2000;

Key SplitKey(const Task& task, std::string_view prompt) {
  KeyBuilder builder("mini-split");
  builder.Add(FamilyName(task.family));
  if (IsTable(task.family)) return builder.Add(prompt).Build();
  for (const std::string& argument : task.arguments) builder.Add(argument);
  return builder.Build();
}

/// An example whose prompt is not in `seen` yet; none when the family seems to be used up.
std::optional<Example> DrawUnseen(Family family, Split split, Rng& rng,
                                  const std::unordered_set<std::string>& seen) {
  for (int draw = 0; draw < kMaxDraws; ++draw) {
    std::optional<Example> example = DrawExample(family, split, 0, rng);
    if (!example) return std::nullopt;
    if (!seen.contains(example->prompt)) return example;
  }
  return std::nullopt;
}

}  // namespace

std::string_view SplitName(Split split) {
  switch (split) {
    case Split::kTrain:
      return "train";
    case Split::kDev:
      return "dev";
    case Split::kTest:
      return "test";
  }
  return "";
}

Split SplitOf(const Task& task, std::string_view prompt) {
  const std::uint64_t bucket = SplitKey(task, prompt).low % 10;
  return bucket == 0 ? Split::kTest : bucket == 1 ? Split::kDev : Split::kTrain;
}

std::optional<Example> DrawExample(Family family, Split split, double drop_words, Rng& rng) {
  const std::span<const std::string_view> wordings = Wordings(family);
  for (int draw = 0; draw < kMaxDraws; ++draw) {
    Task task = DrawTask(family, rng);
    const std::string_view wording = wordings[rng.Below(wordings.size())];
    std::string prompt = WritePrompt(task, wording, drop_words, rng);
    if (SplitOf(task, prompt) != split) continue;
    return Example{family, std::move(prompt), std::move(task.answers)};
  }
  return std::nullopt;
}

Result<std::vector<Example>> DistinctExamples(std::span<const Family> families, Split split,
                                              std::size_t count, std::uint64_t seed) {
  std::vector<Family> left(families.begin(), families.end());
  Rng rng(seed, static_cast<std::uint64_t>(split));
  std::vector<Example> examples;
  std::unordered_set<std::string> seen;
  while (examples.size() < count) {
    if (left.empty()) {
      return InvalidInput(fmt::format("the split {} of these families has about {} prompts, not {}",
                                      SplitName(split), examples.size(), count));
    }
    const std::size_t chosen = rng.Below(left.size());
    std::optional<Example> example = DrawUnseen(left[chosen], split, rng, seen);
    if (!example) {
      left.erase(left.begin() + static_cast<std::ptrdiff_t>(chosen));
      continue;
    }
    seen.insert(example->prompt);
    examples.push_back(*std::move(example));
  }
  return examples;
}

std::string ReferenceText(const Example& example) {
  if (!IsGraded(example.family)) return example.answers.front().text;
  std::string text;
  for (const RatedAnswer& answer : example.answers) {
    if (!text.empty()) text += '\n';
    text += fmt::format("{}\t{}", answer.worth, answer.text);
  }
  return text;
}

}  // namespace arena::mini
