// Tasks on whole words.
#include <algorithm>

#include "miniworld/internal/draw.h"
#include "miniworld/internal/tables.h"

namespace arena::mini::internal {
namespace {

constexpr int kOtherSeparator = 6;  // right, but not with the one that was wished for

std::vector<std::string> Nouns(int count, Rng& rng) {
  std::vector<std::string> nouns;
  while (nouns.size() < static_cast<std::size_t>(count)) {
    std::string noun(Pick(kNouns, rng));
    if (std::find(nouns.begin(), nouns.end(), noun) == nouns.end()) {
      nouns.push_back(std::move(noun));
    }
  }
  return nouns;
}

}  // namespace

std::string Join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string text;
  for (const std::string& part : parts) {
    if (!text.empty()) text += separator;
    text += part;
  }
  return text;
}

Task DrawNthWord(Rng& rng) {
  const std::vector<std::string> nouns = Nouns(Between(4, 6, rng), rng);
  const std::size_t position = rng.Below(kOrdinals.size());
  const bool last = position + 1 == kOrdinals.size();
  return {Family::kNthWord,
          {std::string(kOrdinals[position]), Join(nouns, " ")},
          {{last ? nouns.back() : nouns[position]}}};
}

Task DrawDay(Rng& rng) {
  const int days = Between(1, 30, rng);
  const int start = Between(0, 6, rng);
  const bool after = rng.Below(2) == 0;
  const int end = (start + (after ? days : 35 - days)) % 7;
  return {Family::kDay,
          {std::to_string(days), std::string(kDirections[after ? 0 : 1]),
           std::string(kDays[static_cast<std::size_t>(start)])},
          {{std::string(kDays[static_cast<std::size_t>(end)])}}};
}

Task DrawFact(Rng& rng) {
  const Fact& fact = Pick(kFacts, rng);
  return {Family::kFact, {std::string(fact.country)}, {{std::string(fact.capital)}}};
}

Task DrawList(Rng& rng) {
  const std::vector<std::string> nouns = Nouns(Between(3, 5, rng), rng);
  return {Family::kList, {Join(nouns, " ")}, {{Join(nouns, ", ")}}};
}

Task DrawSeparator(Rng& rng) {
  const std::vector<std::string> nouns = Nouns(Between(2, 4, rng), rng);
  const Separator& wished = Pick(kSeparators, rng);
  Task task{Family::kSeparator, {Join(nouns, " "), std::string(wished.name)}, {}};
  for (const Separator& separator : kSeparators) {
    task.answers.push_back({Join(nouns, separator.text),
                            separator.name == wished.name ? kBestWorth : kOtherSeparator});
  }
  return task;
}

Task DrawLongWord(Rng& rng) {
  std::vector<std::string> nouns;
  const auto shorter = [](const std::string& a, const std::string& b) {
    return a.size() < b.size();
  };
  std::size_t shortest = 0, longest = 0;
  do {
    nouns = Nouns(Between(3, 5, rng), rng);
    const auto [low, high] = std::minmax_element(nouns.begin(), nouns.end(), shorter);
    shortest = low->size();
    longest = high->size();
  } while (shortest == longest);
  Task task{Family::kLongWord, {Join(nouns, " ")}, {}};
  for (const std::string& noun : nouns) {
    const auto part = 4 * (noun.size() - shortest) / (longest - shortest);
    task.answers.push_back(
        {noun, noun.size() == longest ? kBestWorth : 5 + static_cast<int>(part)});
  }
  return task;
}

}  // namespace arena::mini::internal
