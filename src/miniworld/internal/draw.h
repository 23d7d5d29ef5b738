// The families' generators. task.cpp has the table of them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/rng.h"
#include "miniworld/task.h"

namespace arena::mini::internal {

/// A uniformly drawn element.
template <typename Values>
const auto& Pick(const Values& values, Rng& rng) {
  return values[rng.Below(values.size())];
}

/// Uniform in [low, high].
inline int Between(int low, int high, Rng& rng) {
  return low + static_cast<int>(rng.Below(static_cast<std::uint64_t>(high - low + 1)));
}

/// A word of `low` to `high` letters that English does not have, easy to say and spelled in single
/// characters: none of the whole words of the vocabulary.
std::string InventedWord(int low, int high, Rng& rng);

std::string Join(const std::vector<std::string>& parts, std::string_view separator);

/// Numbers from 10 to 99, none twice.
std::vector<int> TwoDigitNumbers(int count, Rng& rng);

// Letters.
Task DrawReverse(Rng& rng);
Task DrawSortLetters(Rng& rng);
Task DrawCountLetter(Rng& rng);
Task DrawUppercase(Rng& rng);
Task DrawPlural(Rng& rng);
Task DrawPast(Rng& rng);
Task DrawVowels(Rng& rng);
// Numbers.
Task DrawSortNumbers(Rng& rng);
Task DrawAdd(Rng& rng);
Task DrawSubtract(Rng& rng);
Task DrawCompare(Rng& rng);
Task DrawUnit(Rng& rng);
// Words.
Task DrawNthWord(Rng& rng);
Task DrawDay(Rng& rng);
Task DrawFact(Rng& rng);
Task DrawList(Rng& rng);
// Graded.
Task DrawSeparator(Rng& rng);
Task DrawManner(Rng& rng);
Task DrawGreeting(Rng& rng);
Task DrawLongWord(Rng& rng);

}  // namespace arena::mini::internal
