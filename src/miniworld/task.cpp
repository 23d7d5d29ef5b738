#include "miniworld/task.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/nearest.h"
#include "miniworld/internal/draw.h"

namespace arena::mini {
namespace {

using namespace std::string_view_literals;

constexpr std::array kReverse = {"reverse {0}"sv,          "spell {0} backwards"sv,
                                 "write {0} backwards"sv,  "turn {0} around"sv,
                                 "{0} in reverse order"sv, "what is {0} backwards"sv};
constexpr std::array kSortLetters = {
    "sort the letters of {0}"sv, "put the letters of {0} in order"sv,
    "write the letters of {0} in order"sv, "alphabetical order of {0}"sv};
constexpr std::array kSortNumbers = {"sort {0}"sv, "put {0} in order"sv, "sort the numbers {0}"sv,
                                     "{0} in ascending order"sv};
constexpr std::array kAdd = {"add {0} and {1}"sv, "{0} + {1}"sv, "what is {0} + {1}"sv,
                             "sum of {0} and {1}"sv, "{0} plus {1}"sv};
constexpr std::array kSubtract = {"{0} - {1}"sv, "what is {0} - {1}"sv, "{0} minus {1}"sv,
                                  "subtract {1} from {0}"sv, "take {1} from {0}"sv};
constexpr std::array kCountLetter = {"count {0} in {1}"sv, "how many {0} are in {1}"sv,
                                     "how often is {0} in {1}"sv, "number of {0} in {1}"sv};
constexpr std::array kNthWord = {"{0} word of {1}"sv, "what is the {0} word of {1}"sv,
                                 "the {0} word in {1}"sv};
constexpr std::array kUppercase = {"uppercase {0}"sv, "write {0} in capitals"sv,
                                   "{0} in capitals"sv, "turn {0} to uppercase"sv};
constexpr std::array kPlural = {"plural of {0}"sv, "what is the plural of {0}"sv,
                                "write {0} in the plural"sv};
constexpr std::array kPast = {"past tense of {0}"sv, "what is the past of {0}"sv,
                              "put {0} in the past tense"sv};
constexpr std::array kCompare = {"{0} of {1} and {2}"sv, "which is {0} {1} or {2}"sv,
                                 "what is the {0} of {1} and {2}"sv};
constexpr std::array kUnit = {"{0} {1} in {2}"sv, "convert {0} {1} to {2}"sv,
                              "how many {2} are {0} {1}"sv, "{0} {1} to {2}"sv};
constexpr std::array kDay = {"{0} days {1} {2}"sv, "what day is {0} days {1} {2}"sv,
                             "which day comes {0} days {1} {2}"sv};
constexpr std::array kFact = {"capital of {0}"sv,
                              "what is the capital of {0}"sv,
                              "name the capital of {0}"sv,
                              "which city is the capital of {0}"sv,
                              "tell me the capital of {0}"sv,
                              "{0} has which capital"sv};
constexpr std::array kList = {"list {0}"sv, "write {0} as a list"sv, "list the words {0}"sv};
constexpr std::array kVowels = {"drop the vowels of {0}"sv, "{0} without vowels"sv,
                                "take the vowels from {0}"sv, "write {0} without vowels"sv};
constexpr std::array kSeparator = {"write {0} with {1}"sv, "join {0} with {1}"sv};
constexpr std::array kManner = {"{0} {1} {2}"sv, "{2} {0} the word {1}"sv};
constexpr std::array kGreeting = {"greet {0} {1}"sv, "{1} greet {0}"sv, "say hello to {0} {1}"sv};
constexpr std::array kLongWord = {"name a long word of {0}"sv, "long word in {0}"sv};

struct FamilyFact {
  Family family;
  std::string_view name;
  Task (*draw)(Rng&);
  std::span<const std::string_view> wordings;
  int tags = 1;
};

// In the order of the enumeration.
constexpr std::array<FamilyFact, kFamilies> kFacts = {{
    {Family::kReverse, "reverse", internal::DrawReverse, kReverse},
    {Family::kSortLetters, "sort-letters", internal::DrawSortLetters, kSortLetters},
    {Family::kSortNumbers, "sort-numbers", internal::DrawSortNumbers, kSortNumbers},
    {Family::kAdd, "add", internal::DrawAdd, kAdd},
    {Family::kSubtract, "subtract", internal::DrawSubtract, kSubtract},
    {Family::kCountLetter, "count-letter", internal::DrawCountLetter, kCountLetter},
    {Family::kNthWord, "nth-word", internal::DrawNthWord, kNthWord, 2},
    {Family::kUppercase, "uppercase", internal::DrawUppercase, kUppercase},
    {Family::kPlural, "plural", internal::DrawPlural, kPlural},
    {Family::kPast, "past", internal::DrawPast, kPast},
    {Family::kCompare, "compare", internal::DrawCompare, kCompare, 2},
    {Family::kUnit, "unit", internal::DrawUnit, kUnit, 3},
    {Family::kDay, "day-table", internal::DrawDay, kDay, 2},
    {Family::kFact, "fact-table", internal::DrawFact, kFact},
    {Family::kList, "list", internal::DrawList, kList},
    {Family::kVowels, "vowels", internal::DrawVowels, kVowels},
    {Family::kSeparator, "graded-separator", internal::DrawSeparator, kSeparator, 2},
    {Family::kManner, "graded-manner", internal::DrawManner, kManner, 2},
    {Family::kGreeting, "graded-greeting", internal::DrawGreeting, kGreeting, 2},
    {Family::kLongWord, "graded-long-word", internal::DrawLongWord, kLongWord},
}};

const FamilyFact& FactOf(Family family) { return kFacts[static_cast<std::size_t>(family)]; }

/// Puts the arguments in the place of {0}, {1}, ... of one word of a wording.
std::string FillIn(std::string_view word, const std::vector<std::string>& arguments) {
  if (word.size() == 3 && word.front() == '{') {
    return arguments[static_cast<std::size_t>(word[1] - '0')];
  }
  return std::string(word);
}

}  // namespace

std::span<const Family> AllFamilies() {
  static constexpr auto kAll = [] {
    std::array<Family, kFamilies> all{};
    for (std::size_t i = 0; i < kFamilies; ++i) all[i] = kFacts[i].family;
    return all;
  }();
  return kAll;
}

std::string_view FamilyName(Family family) { return FactOf(family).name; }

Result<Family> ParseFamily(std::string_view name) {
  std::vector<std::string_view> names;
  for (const FamilyFact& fact : kFacts) {
    if (fact.name == name) return fact.family;
    names.push_back(fact.name);
  }
  const auto near = NearestName(name, names);
  return InvalidInput(fmt::format("there is no family \"{}\"; {}", name,
                                  near ? fmt::format("did you mean \"{}\"?", *near)
                                       : fmt::format("there are {}", fmt::join(names, ", "))));
}

bool IsTable(Family family) { return family == Family::kDay || family == Family::kFact; }

bool IsGraded(Family family) { return family >= Family::kSeparator; }

int TagCount(Family family) { return FactOf(family).tags; }

Task DrawTask(Family family, Rng& rng) {
  Task task = FactOf(family).draw(rng);
  std::stable_sort(task.answers.begin(), task.answers.end(),
                   [](const RatedAnswer& a, const RatedAnswer& b) { return a.worth > b.worth; });
  return task;
}

std::span<const std::string_view> Wordings(Family family) { return FactOf(family).wordings; }

std::string WritePrompt(const Task& task, std::string_view wording, double drop_words, Rng& rng) {
  std::string prompt;
  for (std::size_t begin = 0; begin < wording.size();) {
    const std::size_t end = std::min(wording.find(' ', begin), wording.size());
    const std::string_view word = wording.substr(begin, end - begin);
    begin = end + 1;
    const bool is_argument = word.front() == '{';
    if (!is_argument && drop_words > 0 && rng.Uniform() < drop_words) continue;
    if (!prompt.empty()) prompt += ' ';
    prompt += FillIn(word, task.arguments);
  }
  return prompt;
}

}  // namespace arena::mini
