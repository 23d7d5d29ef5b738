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

Task DrawGreeting(Rng& rng) {
  const Greeting& wished = Pick(kGreetings, rng);
  const std::string name = InventedWord(3, 5, rng);
  Task task{Family::kGreeting, {name, std::string(wished.manner)}, {}};
  for (const Greeting& greeting : kGreetings) {
    task.answers.push_back({std::string(greeting.word) + " " + name,
                            greeting.manner == wished.manner ? kBestWorth : kOtherFormat});
  }
  return task;
}

}  // namespace arena::mini::internal
