// The mini world: small tasks with one right answer, or several of different worth.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/rng.h"

namespace arena::mini {

/// A kind of task. docs/formats/mini-world.md shows an example of each.
enum class Family : std::uint8_t {
  kReverse,
  kSortLetters,
  kSortNumbers,
  kAdd,
  kSubtract,
  kCountLetter,
  kNthWord,
  kUppercase,
  kPlural,
  kPast,
  kCompare,
  kUnit,
  kDay,   ///< a finite table: see IsTable
  kFact,  ///< a finite table: see IsTable
  kList,
  kVowels,
  // Graded: several right answers of different worth.
  kSeparator,
  kManner,
  kGreeting,
  kLongWord,
};
inline constexpr std::size_t kFamilies = 20;

/// All families, in the order of the enumeration.
std::span<const Family> AllFamilies();
/// The category of its instructions, for example "sort-letters", "fact-table".
std::string_view FamilyName(Family family);
Result<Family> ParseFamily(std::string_view name);

/// Whether the tasks are a small finite table, so that training must show every one of them: their
/// prompts are kept apart between the splits, and the tasks themselves are not.
bool IsTable(Family family);
/// Whether right answers differ in worth.
bool IsGraded(Family family);

/// How many tags an instruction of the family has, as INSTAG counts them: one for what is to be
/// done and one for each word that says which variant of it ("second", "smaller", "weeks",
/// "politely").
int TagCount(Family family);

inline constexpr int kBestWorth = 10;

/// A right answer and the score that a judge gives it.
struct RatedAnswer {
  std::string text;
  int worth = kBestWorth;
};

/// What is asked, apart from the words in which it is asked.
struct Task {
  Family family = Family::kReverse;
  std::vector<std::string> arguments;  ///< for {0}, {1}, ... of the wordings
  std::vector<RatedAnswer> answers;    ///< every right answer, the best first; not empty
};

/// A random task of a family.
Task DrawTask(Family family, Rng& rng);

/// The ways to ask for a task of a family: words and {0}, {1}, ... separated by single spaces.
std::span<const std::string_view> Wordings(Family family);

/// The prompt of a task in one of its family's wordings. Each word of the wording is left out with
/// the probability `drop_words`; arguments never are.
std::string WritePrompt(const Task& task, std::string_view wording, double drop_words, Rng& rng);

}  // namespace arena::mini
