#include "miniworld/task.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <map>
#include <numeric>
#include <regex>
#include <set>
#include <sstream>

#include "miniworld/examples.h"
#include "miniworld/vocabulary.h"

namespace arena::mini {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Strings = std::vector<std::string>;

constexpr int kDraws = 400;

Strings Words(const std::string& prompt) {
  std::istringstream stream(prompt);
  Strings words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

/// The words that the prompt alone tells us are given: invented ones are not in the vocabulary.
std::string InventedWordOf(const std::string& prompt) {
  std::string found;
  for (const std::string& word : Words(prompt)) {
    const bool letters = std::all_of(word.begin(), word.end(), [](char c) {
      return std::isalpha(static_cast<unsigned char>(c)) != 0;
    });
    if (letters && word.size() > 1 && !IsWholeWord(word)) found = word;
  }
  return found;
}

std::vector<int> NumbersOf(const std::string& prompt) {
  std::vector<int> numbers;
  for (const std::string& word : Words(prompt)) {
    if (std::isdigit(static_cast<unsigned char>(word[0])) != 0) {
      numbers.push_back(std::atoi(word.c_str()));
    }
  }
  return numbers;
}

bool Has(const std::string& prompt, const std::string& word) {
  const Strings words = Words(prompt);
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string Joined(const std::vector<int>& numbers, const std::string& separator) {
  std::string text;
  for (const int number : numbers) {
    text += (text.empty() ? "" : separator) + std::to_string(number);
  }
  return text;
}

/// A second implementation that reads nothing but the prompt. Empty: the family is checked apart.
std::string Expected(Family family, const std::string& prompt) {
  std::string word = InventedWordOf(prompt);
  std::vector<int> numbers = NumbersOf(prompt);
  std::string result;
  switch (family) {
    case Family::kReverse:
      for (const char c : word) result.insert(result.begin(), c);
      return result;
    case Family::kSortLetters:
      for (char c = 'a'; c <= 'z'; ++c) result.append(std::count(word.begin(), word.end(), c), c);
      return result;
    case Family::kSortNumbers: {
      const std::set<int> ordered(numbers.begin(), numbers.end());
      return Joined({ordered.begin(), ordered.end()}, " ");
    }
    case Family::kAdd:
      return std::to_string(std::accumulate(numbers.begin(), numbers.end(), 0));
    case Family::kSubtract:
      return std::to_string(std::abs(numbers.at(0) - numbers.at(1)));
    case Family::kCountLetter: {
      int count = 0;
      for (const std::string& given : Words(prompt)) {
        if (given.size() != 1) continue;
        for (const char c : word) count += c == given[0] ? 1 : 0;
      }
      return std::to_string(count);
    }
    case Family::kUppercase:
      for (const char c : word) result += static_cast<char>(c - 'a' + 'A');
      return result;
    case Family::kCompare:
      std::sort(numbers.begin(), numbers.end());
      return std::to_string(Has(prompt, "larger") ? numbers.back() : numbers.front());
    case Family::kVowels:
      for (const char c : word) {
        if (c != 'a' && c != 'e' && c != 'i' && c != 'o' && c != 'u') result += c;
      }
      return result;
    default:
      return "";
  }
}

Example Draw(Family family, Rng& rng) {
  auto example = DrawExample(family, Split::kTrain, 0, rng);
  EXPECT_TRUE(example.has_value());
  return *std::move(example);
}

class FamilyTest : public ::testing::TestWithParam<Family> {};

std::string TestName(const ::testing::TestParamInfo<Family>& family) {
  std::string name(FamilyName(family.param));
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Every, FamilyTest,
                         ::testing::ValuesIn(AllFamilies().begin(), AllFamilies().end()), TestName);

TEST_P(FamilyTest, AnswersAreWhatASecondImplementationReadsFromThePrompt) {
  Rng rng(11);
  for (int i = 0; i < kDraws; ++i) {
    const Example example = Draw(GetParam(), rng);
    const std::string expected = Expected(GetParam(), example.prompt);
    if (expected.empty()) continue;
    EXPECT_EQ(example.answers.front().text, expected) << example.prompt;
  }
}

TEST_P(FamilyTest, WorthFallsFromTheBestAnswerAndStaysAboveTheWrongOnes) {
  Rng rng(12);
  bool differs = false;
  for (int i = 0; i < kDraws; ++i) {
    const Example example = Draw(GetParam(), rng);
    EXPECT_EQ(example.answers.front().worth, kBestWorth);
    std::set<std::string> texts;
    for (std::size_t k = 0; k < example.answers.size(); ++k) {
      EXPECT_FALSE(example.answers[k].text.empty());
      EXPECT_TRUE(texts.insert(example.answers[k].text).second) << example.prompt;
      EXPECT_GE(example.answers[k].worth, 5);
      EXPECT_LE(example.answers[k].worth, example.answers[k == 0 ? 0 : k - 1].worth);
      differs |= example.answers[k].worth != kBestWorth;
    }
  }
  EXPECT_EQ(differs, IsGraded(GetParam()));
}

TEST(TagCountTest, CountsTheOperationAndTheWordsThatSayWhichVariant) {
  EXPECT_EQ(TagCount(Family::kAdd), 1);
  EXPECT_EQ(TagCount(Family::kNthWord), 2);  // "second"
  EXPECT_EQ(TagCount(Family::kUnit), 3);     // "weeks", "days"
  EXPECT_EQ(TagCount(Family::kManner), 2);   // "politely"
}

TEST_P(FamilyTest, NameIsRead) {
  const auto parsed = ParseFamily(FamilyName(GetParam()));
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(*parsed, GetParam());
}

TEST(FamilyNameTest, UnknownNameIsAnErrorWithASuggestion) {
  const auto parsed = ParseFamily("sort-leters");
  ASSERT_FALSE(parsed.ok());
  EXPECT_THAT(parsed.error().message, ::testing::HasSubstr("sort-letters"));
}

TEST(PromptTest, SamePromptHasTheSameAnswers) {
  std::map<std::string, std::string> answers;
  Rng rng(13);
  for (int i = 0; i < 20000; ++i) {
    const Family family = AllFamilies()[rng.Below(kFamilies)];
    const Example example = Draw(family, rng);
    const auto [known, is_new] = answers.emplace(example.prompt, ReferenceText(example));
    EXPECT_TRUE(is_new || known->second == ReferenceText(example)) << example.prompt;
  }
}

TEST(WordTest, PluralsAndPastTensesFollowTheRules) {
  Rng rng(14);
  std::set<std::string> endings;
  for (int i = 0; i < kDraws; ++i) {
    const Example plural = Draw(Family::kPlural, rng);
    const std::string noun = InventedWordOf(plural.prompt);
    const std::string& many = plural.answers.front().text;
    const std::string stem = noun.substr(0, noun.size() - 1);
    const bool vowel_before =
        noun.size() > 1 && std::string("aeiou").find(noun[noun.size() - 2]) != std::string::npos;
    if (many == noun + "es") {
      EXPECT_TRUE(noun.back() == 's' || noun.back() == 'x' || noun.back() == 'z' ||
                  noun.back() == 'h')
          << noun;
      endings.insert("es");
    } else if (many == stem + "ies") {
      EXPECT_TRUE(noun.back() == 'y' && !vowel_before) << noun;
      endings.insert("ies");
    } else {
      EXPECT_EQ(many, noun + "s");
      EXPECT_EQ(std::string("sxz").find(noun.back()), std::string::npos) << noun;
      EXPECT_FALSE(noun.back() == 'y' && !vowel_before) << noun;
      endings.insert("s");
    }
    const Example past = Draw(Family::kPast, rng);
    const std::string verb = InventedWordOf(past.prompt);
    const std::string& did = past.answers.front().text;
    EXPECT_TRUE(did.ends_with("ed"));
    const std::string regular = verb + (verb.back() == 'e' ? "d" : "ed");
    EXPECT_TRUE(did == regular || (verb.back() == 'y' && did.ends_with("ied")))
        << verb << ' ' << did;
  }
  EXPECT_EQ(endings.size(), 3U) << "every rule is met";
}

TEST(WordTest, NthWordIsTheWordAtThatPlace) {
  Rng rng(15);
  const Strings ordinals = {"first", "second", "third", "fourth"};
  for (int i = 0; i < kDraws; ++i) {
    const Example example = Draw(Family::kNthWord, rng);
    const Strings words = Words(example.prompt);
    // Four to six nouns stand at the end, after "of" or "in".
    const auto preposition = std::find_if(words.rbegin(), words.rend(), [](const auto& word) {
      return word == "of" || word == "in";
    });
    const Strings nouns(preposition.base(), words.end());
    std::string expected = nouns.back();
    for (std::size_t k = 0; k < ordinals.size(); ++k) {
      if (Has(example.prompt, ordinals[k])) expected = nouns[k];
    }
    EXPECT_EQ(example.answers.front().text, expected) << example.prompt;
  }
}

TEST(WordTest, ListSeparatesTheGivenWordsByCommas) {
  Rng rng(16);
  for (int i = 0; i < kDraws; ++i) {
    const Example example = Draw(Family::kList, rng);
    std::string listed = example.answers.front().text;
    EXPECT_NE(listed.find(", "), std::string::npos);
    listed.erase(std::remove(listed.begin(), listed.end(), ','), listed.end());
    EXPECT_NE(example.prompt.find(listed), std::string::npos) << example.prompt;
  }
}

TEST(WordTest, DaysAreCountedOneByOne) {
  const Strings days = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                        "Friday", "Saturday", "Sunday"};
  Rng rng(17);
  for (int i = 0; i < kDraws; ++i) {
    const Example example = Draw(Family::kDay, rng);
    std::size_t at = 0;
    while (!Has(example.prompt, days[at])) ++at;
    for (int left = NumbersOf(example.prompt).at(0); left > 0; --left) {
      if (Has(example.prompt, "after")) {
        at = at == 6 ? 0 : at + 1;
      } else {
        at = at == 0 ? 6 : at - 1;
      }
    }
    EXPECT_EQ(example.answers.front().text, days[at]) << example.prompt;
  }
}

TEST(WordTest, UnitsAgreeWithTheirSizes) {
  const std::map<std::string, double> size = {
      {"seconds", 1},    {"minutes", 60},       {"hours", 3600},  {"days", 86400},
      {"weeks", 604800}, {"inches", 0.0254},    {"feet", 0.3048}, {"yards", 0.9144},
      {"meters", 1},     {"centimeters", 0.01}, {"grams", 0.001}, {"kilograms", 1},
      {"years", 12},     {"months", 1}};
  Rng rng(18);
  for (int i = 0; i < kDraws; ++i) {
    const Example example = Draw(Family::kUnit, rng);
    std::vector<double> sizes;
    for (const std::string& word : Words(example.prompt)) {
      if (const auto found = size.find(word); found != size.end()) sizes.push_back(found->second);
    }
    ASSERT_EQ(sizes.size(), 2U) << example.prompt;
    const double factor = std::max(sizes[0], sizes[1]) / std::min(sizes[0], sizes[1]);
    EXPECT_NEAR(NumbersOf(example.prompt).at(0) * factor,
                std::atof(example.answers.front().text.c_str()), 1e-6)
        << example.prompt;
  }
}

TEST(WordTest, EveryCountryHasACapitalOfItsOwn) {
  Rng rng(19);
  std::map<std::string, std::set<std::string>> capitals;
  for (int i = 0; i < 3000; ++i) {
    const Task task = DrawTask(Family::kFact, rng);
    capitals[task.arguments[0]].insert(task.answers.front().text);
  }
  std::set<std::string> all;
  for (const auto& [country, names] : capitals) {
    EXPECT_EQ(names.size(), 1U) << country;
    all.insert(*names.begin());
  }
  EXPECT_EQ(capitals.size(), 30U);
  EXPECT_EQ(all.size(), 30U);
  EXPECT_THAT(capitals["Norway"], ElementsAre("Oslo"));
}

TEST(GradedTest, LongestWordIsWorthMost) {
  Rng rng(21);
  for (int i = 0; i < kDraws; ++i) {
    const Task task = DrawTask(Family::kLongWord, rng);
    for (std::size_t k = 1; k < task.answers.size(); ++k) {
      EXPECT_GE(task.answers[k - 1].text.size(), task.answers[k].text.size());
    }
    EXPECT_EQ(task.answers.size(), Words(task.arguments[0]).size());
    EXPECT_LT(task.answers.back().worth, kBestWorth);
  }
}

TEST(GradedTest, WishedFormIsWorthMost) {
  Rng rng(22);
  for (int i = 0; i < kDraws; ++i) {
    const Example example = Draw(Family::kSeparator, rng);
    const bool dashes = Has(example.prompt, "dashes");
    const std::string& written = example.answers.front().text;
    EXPECT_EQ(written.find(", ") != std::string::npos, Has(example.prompt, "commas"));
    EXPECT_EQ(written.find('-') != std::string::npos, dashes);
    // The words themselves are those of the prompt, in their order.
    std::string spaced = std::regex_replace(written, std::regex(", |-"), " ");
    EXPECT_THAT(example.prompt, HasSubstr(spaced));

    const Example greeting = Draw(Family::kGreeting, rng);
    const std::string hello = Has(greeting.prompt, "briefly")  ? "hi "
                              : Has(greeting.prompt, "warmly") ? "hello "
                                                               : "dear ";
    EXPECT_EQ(greeting.answers.front().text, hello + InventedWordOf(greeting.prompt));
    EXPECT_EQ(greeting.answers.size(), 3U);

    const Example manner = Draw(Family::kManner, rng);
    const std::string word = InventedWordOf(manner.prompt);
    std::string result(word.rbegin(), word.rend());
    if (Has(manner.prompt, "uppercase")) {
      result = word;
      std::transform(word.begin(), word.end(), result.begin(),
                     [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    }
    EXPECT_EQ(manner.answers.front().text,
              Has(manner.prompt, "briefly") ? result : "it is " + result + ".");
  }
}

TEST(PromptTest, WordsAreLeftOutAndArgumentsKept) {
  const Task task{Family::kAdd, {"12", "7"}, {{"19"}}};
  Rng rng(23);
  EXPECT_EQ(WritePrompt(task, "add {0} and {1}", 0, rng), "add 12 and 7");
  EXPECT_EQ(WritePrompt(task, "add {0} and {1}", 1, rng), "12 7");
  int kept = 0;
  for (int i = 0; i < 1000; ++i) {
    const Strings words = Words(WritePrompt(task, "add {0} and {1}", 0.5, rng));
    kept += static_cast<int>(words.size()) - 2;
  }
  EXPECT_NEAR(kept, 1000, 100) << "half of two words each";
}

}  // namespace
}  // namespace arena::mini
