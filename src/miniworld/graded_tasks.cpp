// Tasks whose right answers differ in worth.
#include <algorithm>
#include <cctype>

#include "miniworld/internal/draw.h"
#include "miniworld/internal/tables.h"

namespace arena::mini::internal {
namespace {

constexpr int kOtherFormat = 6;  ///< right, but not in the form that was wished for
constexpr int kWrongLength =
    5;  ///< right, but a sentence where a word was wished for, or the reverse

std::string Apply(std::string_view operation, const std::string& word) {
  if (operation == "reverse") return {word.rbegin(), word.rend()};
  std::string upper = word;
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return upper;
}

}  // namespace

Task DrawSeparator(Rng& rng) {
  std::vector<int> numbers = TwoDigitNumbers(Between(2, 3, rng), rng);
  const auto text = [&numbers](std::string_view separator) {
    std::vector<std::string> parts;
    for (const int number : numbers) parts.push_back(std::to_string(number));
    return Join(parts, separator);
  };
  const Separator& wished = Pick(kSeparators, rng);
  Task task{Family::kSeparator, {text(" "), std::string(wished.name)}, {}};
  std::sort(numbers.begin(), numbers.end());
  for (const Separator& separator : kSeparators) {
    task.answers.push_back(
        {text(separator.text), separator.name == wished.name ? kBestWorth : kOtherFormat});
  }
  return task;
}

Task DrawManner(Rng& rng) {
  const std::string_view operation = Pick(kOperations, rng);
  const std::size_t manner = rng.Below(kManners.size());
  std::string word = InventedWord(3, 5, rng);
  const std::string result = Apply(operation, word);
  const bool brief = manner == 0;
  const std::string sentence = "it is " + result;
  return {Family::kManner,
          {std::string(operation), std::move(word), std::string(kManners[manner])},
          {{sentence + ".", brief ? kWrongLength : kBestWorth},
           {sentence, brief ? kOtherFormat : 8},
           {result, brief ? kBestWorth : kWrongLength}}};
}

Task DrawDivisor(Rng& rng) {
  std::vector<int> divisors;
  int number = 0;
  while (divisors.empty()) {
    number = Between(4, 999, rng);
    for (int d = number / 2; d > 1; --d) {
      if (number % d == 0) divisors.push_back(d);
    }
  }
  const int largest = divisors.front();
  Task task{Family::kDivisor, {std::to_string(number)}, {}};
  for (const int d : divisors) {
    task.answers.push_back({std::to_string(d), d == largest ? kBestWorth : 5 + 4 * d / largest});
  }
  return task;
}

}  // namespace arena::mini::internal
