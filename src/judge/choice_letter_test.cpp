#include "judge/choice_letter.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace arena {
namespace {

struct Choice {
  std::string text;
  char letter;  // NUL: none
};

void ExpectChooses(const std::vector<Choice>& choices) {
  for (const Choice& choice : choices) {
    const ChosenLetter chosen = FindChosenLetter(choice.text, "ABCDEFGHIJ");
    EXPECT_EQ(chosen.letter, choice.letter) << choice.text << ": " << chosen.reason;
  }
}

TEST(ChoiceLetterTest, ReadsTheUsualForms) {
  ExpectChooses({{"B", 'B'},
                 {"b", 'B'},
                 {"(b)", 'B'},
                 {"[B]", 'B'},
                 {"b)", 'B'},
                 {"**B**", 'B'},
                 {"B.", 'B'},
                 {"B. because it is blue", 'B'},
                 {"B: blue", 'B'},
                 {"B - blue", 'B'},
                 {"Answer: B", 'B'},
                 {"Answer: b", 'B'},
                 {"**Answer:** (B) blue", 'B'},
                 {"The answer is B.", 'B'},
                 {"The correct answer is option B", 'B'},
                 {"the answer is (b), blue", 'B'},
                 {"$\\boxed{\\text{B}}$", 'B'},
                 {"#### B", 'B'},
                 {"The answer is blue (B)", 'B'},
                 {"It must be (B).", 'B'},
                 {"I think B fits", 'B'},
                 {"A", 'A'},
                 {"Answer: A", 'A'},
                 {"I", 'I'},
                 {"\xEF\xBC\xA2", 'B'}});
}

TEST(ChoiceLetterTest, TheMarkedLetterWins) {
  ExpectChooses({{"A. red\nB. blue\nAnswer: B", 'B'},
                 {"(A) is wrong, (C) too. The answer is (B).", 'B'},
                 {"Answer: A\nWait.\nAnswer: B", 'B'},
                 {"The answer is B because A is red.", 'B'}});
}

TEST(ChoiceLetterTest, SeveralLettersAreNoChoice) {
  ExpectChooses({{"Answer: B or C", '\0'},
                 {"Answer: (A) and (B)", '\0'},
                 {"Answer: A, B", '\0'},
                 {"\\boxed{A/B}", '\0'},
                 {"A. red\nB. blue", '\0'},
                 {"(A) or (B)", '\0'},
                 {"B beats C", '\0'}});
  EXPECT_EQ(FindChosenLetter("Answer: B or C", "ABC").reason, "ambiguous: B and C at `answer`");
}

TEST(ChoiceLetterTest, WordsAreNoLetters) {
  ExpectChooses({{"A cat sat", '\0'},
                 {"I think so", '\0'},
                 {"Because of it", '\0'},
                 {"blue", '\0'},
                 {"The answer is a cat", '\0'},
                 {"B2", '\0'},
                 {"D'accord", '\0'},
                 {"K", '\0'},
                 {"", '\0'}});
}

TEST(ChoiceLetterTest, OnlyTheGivenLettersCount) {
  EXPECT_EQ(FindChosenLetter("Answer: E", "ABCD").letter, '\0');
  EXPECT_EQ(FindChosenLetter("Answer: D", "ABCD").letter, 'D');
}

}  // namespace
}  // namespace arena
