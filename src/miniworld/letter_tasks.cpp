// Tasks on the letters of a word.
#include <algorithm>
#include <array>
#include <cctype>

#include "miniworld/internal/draw.h"
#include "miniworld/vocabulary.h"

namespace arena::mini::internal {
namespace {

constexpr std::string_view kConsonants = "bcdfghjklmnpqrstvwxyz";
constexpr std::string_view kVowels = "aeiou";

bool IsVowel(char c) { return kVowels.find(c) != std::string_view::npos; }

bool EndsWithConsonantAndY(std::string_view word) {
  return word.size() > 1 && word.back() == 'y' && !IsVowel(word[word.size() - 2]);
}

std::string WithoutLast(std::string_view word) {
  return std::string(word.substr(0, word.size() - 1));
}

/// -es after s, x, z, ch and sh; -ies for a consonant and y; else -s.
std::string Plural(const std::string& noun) {
  if (EndsWithConsonantAndY(noun)) return WithoutLast(noun) + "ies";
  for (const std::string_view ending : {"s", "x", "z", "ch", "sh"}) {
    if (noun.ends_with(ending)) return noun + "es";
  }
  return noun + "s";
}

/// -d after e; -ied for a consonant and y; else -ed. Consonants are not doubled.
std::string Past(const std::string& verb) {
  if (EndsWithConsonantAndY(verb)) return WithoutLast(verb) + "ied";
  return verb + (verb.ends_with("e") ? "d" : "ed");
}

/// A word whose end is, half of the time, one that the rules above treat in its own way.
std::string WordWithEnding(std::span<const std::string_view> endings, Rng& rng) {
  std::string word;
  do {
    word = InventedWord(3, 5, rng);
    if (rng.Below(2) == 0) word = WithoutLast(word) + std::string(Pick(endings, rng));
  } while (IsWholeWord(word));
  return word;
}

std::string InventedLetters(int length, Rng& rng) {
  std::string word;
  bool vowel = rng.Below(3) == 0;
  for (int i = 0; i < length; ++i) {
    const std::string_view letters = vowel ? kVowels : kConsonants;
    word += letters[rng.Below(letters.size())];
    vowel = !vowel && rng.Below(5) != 0;
  }
  return word;
}

Task LetterTask(Family family, std::string word, std::string answer) {
  return {family, {std::move(word)}, {{std::move(answer)}}};
}

}  // namespace

std::string InventedWord(int low, int high, Rng& rng) {
  std::string word;
  do {
    word = InventedLetters(Between(low, high, rng), rng);
  } while (IsWholeWord(word));
  return word;
}

Task DrawReverse(Rng& rng) {
  std::string word = InventedWord(3, 8, rng);
  std::string answer(word.rbegin(), word.rend());
  return LetterTask(Family::kReverse, std::move(word), std::move(answer));
}

Task DrawSortLetters(Rng& rng) {
  std::string word = InventedWord(3, 7, rng);
  std::string answer = word;
  std::sort(answer.begin(), answer.end());
  return LetterTask(Family::kSortLetters, std::move(word), std::move(answer));
}

Task DrawCountLetter(Rng& rng) {
  // Few different letters, so that one of them often stands there more than once.
  constexpr std::string_view kLetters = "eilnorst";
  std::string word;
  do {
    word.clear();
    for (int i = Between(4, 8, rng); i > 0; --i) word += kLetters[rng.Below(5) + rng.Below(4)];
  } while (IsWholeWord(word));
  const char letter = kLetters[rng.Below(kLetters.size())];
  const auto count = std::count(word.begin(), word.end(), letter);
  return {
      Family::kCountLetter, {std::string(1, letter), std::move(word)}, {{std::to_string(count)}}};
}

Task DrawUppercase(Rng& rng) {
  std::string word = InventedWord(3, 8, rng);
  std::string answer = word;
  for (char& c : answer) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return LetterTask(Family::kUppercase, std::move(word), std::move(answer));
}

Task DrawPlural(Rng& rng) {
  constexpr std::array<std::string_view, 6> kEndings = {"s", "x", "z", "ch", "sh", "y"};
  std::string word = WordWithEnding(kEndings, rng);
  std::string answer = Plural(word);
  return LetterTask(Family::kPlural, std::move(word), std::move(answer));
}

Task DrawPast(Rng& rng) {
  constexpr std::array<std::string_view, 2> kEndings = {"e", "y"};
  std::string word = WordWithEnding(kEndings, rng);
  std::string answer = Past(word);
  return LetterTask(Family::kPast, std::move(word), std::move(answer));
}

Task DrawVowels(Rng& rng) {
  std::string word, answer;
  do {
    word = InventedWord(4, 8, rng);
    answer = word;
    std::erase_if(answer, IsVowel);
  } while (answer.empty() || answer == word);
  return LetterTask(Family::kVowels, std::move(word), std::move(answer));
}

}  // namespace arena::mini::internal
