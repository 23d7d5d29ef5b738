#include "judge/reference_judge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/rng.h"

namespace arena {
namespace {

using testing::AllOf;
using testing::Ge;
using testing::HasSubstr;
using testing::Le;

constexpr ReferenceMatch kAllMatches[] = {ReferenceMatch::kNumeric, ReferenceMatch::kExact,
                                          ReferenceMatch::kText,    ReferenceMatch::kChoice,
                                          ReferenceMatch::kEdit,    ReferenceMatch::kGraded};

std::unique_ptr<Judge> MakeJudge(ReferenceMatch match) {
  ReferenceJudgeOptions options;
  options.match = match;
  return std::move(*MakeReferenceJudge(options));
}

Instruction WithReference(std::string reference) {
  Instruction instruction = MakeInstruction("question");
  instruction.id = "q1";
  instruction.source = "pool.jsonl:7";
  instruction.reference = std::move(reference);
  return instruction;
}

Game Play(Judge& judge, const Instruction& instruction, const std::string& first,
          const std::string& second) {
  const std::vector<std::string> turns_1 = {first}, turns_2 = {second};
  auto game = judge.Play({instruction, turns_1, turns_2});
  EXPECT_TRUE(game.ok());
  return std::move(*game);
}

Game Play(ReferenceMatch match, const std::string& reference, const std::string& first,
          const std::string& second) {
  const auto judge = MakeJudge(match);
  return Play(*judge, WithReference(reference), first, second);
}

double Score(const ReferenceJudgeOptions& options, const std::string& reference,
             const std::string& answer) {
  const auto judge = std::move(*MakeReferenceJudge(options));
  const Game game = Play(*judge, WithReference(reference), answer, "");
  EXPECT_EQ(game.state, WorkState::kDone) << game.error;
  return game.verdict.score_first;
}

TEST(ReferenceJudgeTest, SaysOfBothAnswersWhatWasFound) {
  const Game game = Play(ReferenceMatch::kNumeric, "#### 18", "A: 18", "I do not know.");
  EXPECT_EQ(game.state, WorkState::kDone);
  EXPECT_EQ(game.verdict.score_first, 10);
  EXPECT_EQ(game.verdict.score_second, 1);
  EXPECT_EQ(game.verdict.explanation,
            "first: found 18 by `A:`, reference 18: equal; second: no number found, reference 18");
}

TEST(ReferenceJudgeTest, JudgesTheLastTurn) {
  const auto judge = MakeJudge(ReferenceMatch::kNumeric);
  const Instruction instruction = WithReference("18");
  const std::vector<std::string> first = {"18", "19"}, second = {"19", "18"}, none;
  EXPECT_EQ(judge->Play({instruction, first, second})->verdict.score_first, 1);
  EXPECT_EQ(judge->Play({instruction, first, second})->verdict.score_second, 10);
  EXPECT_EQ(judge->Play({instruction, none, second})->verdict.score_first, 1);
}

TEST(ReferenceJudgeTest, AGameWithoutReferenceIsFailedAndNoTie) {
  for (const ReferenceMatch match : kAllMatches) {
    const auto judge = MakeJudge(match);
    Instruction instruction = WithReference("");
    Game game = Play(*judge, instruction, "18", "18");
    EXPECT_EQ(game.state, WorkState::kFailed);
    EXPECT_EQ(game.failure, FailureKind::kUnparsable);
    EXPECT_EQ(game.error, "instruction q1 (pool.jsonl:7): the reference is empty");
    instruction.reference.reset();
    game = Play(*judge, instruction, "18", "18");
    EXPECT_EQ(game.failure, FailureKind::kMissing);
    EXPECT_EQ(game.error, "instruction q1 (pool.jsonl:7): has no reference");
  }
}

TEST(ReferenceJudgeTest, AReferenceThatCannotBeReadFailsTheGame) {
  const auto failure = [](ReferenceMatch match, const std::string& reference) {
    const Game game = Play(match, reference, "1", "1");
    EXPECT_EQ(game.state, WorkState::kFailed);
    return game.failure;
  };
  EXPECT_EQ(failure(ReferenceMatch::kNumeric, "Paris"), FailureKind::kUnparsable);
  EXPECT_EQ(failure(ReferenceMatch::kNumeric, "1/0"), FailureKind::kUnparsable);
  EXPECT_EQ(failure(ReferenceMatch::kText, "..."), FailureKind::kUnparsable);
  EXPECT_EQ(failure(ReferenceMatch::kChoice, "Paris"), FailureKind::kUnparsable);
  EXPECT_EQ(failure(ReferenceMatch::kChoice, "A or B"), FailureKind::kUnparsable);
  EXPECT_EQ(failure(ReferenceMatch::kEdit, std::string(20001, 'x')), FailureKind::kUnparsable);
}

TEST(ReferenceJudgeTest, NumericOptionsDecideWhatIsEqual) {
  ReferenceJudgeOptions options;
  EXPECT_EQ(Score(options, "12.5", "A: 12.5%"), 10);
  EXPECT_EQ(Score(options, "0.125", "A: 12.5%"), 1);
  EXPECT_EQ(Score(options, "12.5%", "A: 12.5%"), 10);
  EXPECT_EQ(Score(options, "18", "She has 18"), 10);
  EXPECT_EQ(Score(options, "1/3", "0.333"), 1);
  options.percent_as_fraction = true;
  options.last_number = false;
  options.tolerance = 0.01;
  EXPECT_EQ(Score(options, "12.5", "A: 12.5%"), 1);
  EXPECT_EQ(Score(options, "0.125", "A: 12.5%"), 10);
  EXPECT_EQ(Score(options, "12.5%", "A: 12.5%"), 10);
  EXPECT_EQ(Score(options, "18", "She has 18"), 1);
  EXPECT_EQ(Score(options, "She has 18", "18"), 10);
  EXPECT_EQ(Score(options, "1/3", "0.333"), 10);
}

TEST(ReferenceJudgeTest, ExactIsByteForByte) {
  EXPECT_EQ(Play(ReferenceMatch::kExact, "ab", "ab", "ab ").verdict.score_first, 10);
  const Game game = Play(ReferenceMatch::kExact, "ab", "Ab", "ab ");
  EXPECT_EQ(game.verdict.score_second, 1);
  EXPECT_EQ(game.verdict.explanation,
            "first: differs from the reference at byte 0; second: differs from the reference at "
            "byte 2");
}

TEST(ReferenceJudgeTest, TextAndChoiceCompareWhatTheySay) {
  const Game text = Play(ReferenceMatch::kText, "The Eiffel Tower", "the eiffel  tower.", "Eiffel");
  EXPECT_EQ(text.verdict.score_first, 10);
  EXPECT_EQ(text.verdict.score_second, 1);
  const Game choice = Play(ReferenceMatch::kChoice, "(b)", "Answer: B", "B or C");
  EXPECT_EQ(choice.verdict.score_first, 10);
  EXPECT_EQ(choice.verdict.score_second, 1);
  EXPECT_THAT(choice.verdict.explanation, HasSubstr("second: ambiguous: B and C"));
}

TEST(ReferenceJudgeTest, EditGradesByDistance) {
  const auto score = [](const std::string& reference, const std::string& answer) {
    return Play(ReferenceMatch::kEdit, reference, answer, "").verdict.score_first;
  };
  EXPECT_EQ(score("abcdefgh", "abcdefgh"), 10);
  EXPECT_EQ(score("abcdefgh", "abcdefgx"), 8);   // 1 + floor(8 * 7/8)
  EXPECT_EQ(score("abcdefgh", "abcdefghi"), 8);  // 1 + floor(8 * 8/9)
  EXPECT_EQ(score("abcdefgh", "abcdxxxx"), 5);
  EXPECT_EQ(score("abcdefgh", "xxxxxxxx"), 1);
  EXPECT_EQ(score("abcdefgh", ""), 1);
  EXPECT_EQ(score("a", "abcdefgh"), 2);  // the length bound does not cut 1/8 off
  EXPECT_EQ(score("a", "abcdefghi"), 1);
}

TEST(ReferenceJudgeTest, GradedGivesRightAnswersTheirWorthAndOthersLess) {
  const std::string reference = "6\t15 31\n10\t15, 31\n8.5\t15-31";
  const auto score = [&](const std::string& answer) {
    return Play(ReferenceMatch::kGraded, reference, answer, "").verdict.score_first;
  };
  EXPECT_EQ(score("15, 31"), 10);
  EXPECT_EQ(score("15-31"), 8.5);
  EXPECT_EQ(score("15 31"), 6);
  EXPECT_EQ(score("15_31"), 4) << "1 + floor(4 * 4/5)";
  EXPECT_EQ(score("15, 3"), 4) << "1 + floor(4 * 5/6): the nearest decides";
  EXPECT_EQ(score("x"), 1);
  EXPECT_EQ(score(""), 1);
}

TEST(ReferenceJudgeTest, GradedWithOneAnswerIsEdit) {
  Rng rng(5);
  for (int round = 0; round < 300; ++round) {
    std::string texts[2];
    for (std::string& text : texts) {
      for (std::uint64_t n = 1 + rng.Below(12); n > 0; --n) {
        text += static_cast<char>('a' + rng.Below(3));
      }
    }
    EXPECT_EQ(Play(ReferenceMatch::kGraded, texts[0], texts[1], "").verdict.score_first,
              Play(ReferenceMatch::kEdit, texts[0], texts[1], "").verdict.score_first);
  }
}

TEST(ReferenceJudgeTest, GradedReferenceOfAnotherFormFailsTheGameAndSaysWhere) {
  for (const std::string reference :
       {"10\ta\nb", "10\ta\n11\tb", "0\ta", "ten\ta", "\ta", "10\t", "10\ta\n9\ta", "nan\ta"}) {
    const Game game = Play(ReferenceMatch::kGraded, reference, "a", "a");
    EXPECT_EQ(game.failure, FailureKind::kUnparsable) << reference;
  }
  const Game game = Play(ReferenceMatch::kGraded, "10\ta\n11\tb", "a", "a");
  EXPECT_THAT(game.error, AllOf(HasSubstr("line 2"), HasSubstr("\"11\"")));
}

TEST(ReferenceJudgeTest, IdentityNamesTheOptionsOfTheMatchOnly) {
  ReferenceJudgeOptions options;
  options.name = "grader";
  const auto numeric = std::move(*MakeReferenceJudge(options));
  EXPECT_EQ(numeric->identity().name, "grader");
  EXPECT_EQ(numeric->identity().behaviour,
            R"({"kind":"reference","version":1,"match":"numeric","tolerance":1e-06,)"
            R"("last_number":true,"percent_as_fraction":false})");
  options.drop_articles = true;
  EXPECT_EQ((*MakeReferenceJudge(options))->identity().key(), numeric->identity().key());
  options.tolerance = 0;
  EXPECT_NE((*MakeReferenceJudge(options))->identity().key(), numeric->identity().key());
  for (const ReferenceMatch match : kAllMatches) {
    EXPECT_EQ(ParseReferenceMatch(ReferenceMatchName(match)), match);
  }
  EXPECT_FALSE(ParseReferenceMatch("fuzzy").has_value());
}

TEST(ReferenceJudgeTest, OptionsOutOfRangeAreErrors) {
  const auto refused = [](auto change) {
    ReferenceJudgeOptions options;
    change(options);
    const auto judge = MakeReferenceJudge(options);
    return !judge.ok() && judge.error().code == ErrorCode::kInvalidInput;
  };
  EXPECT_TRUE(refused([](auto& o) { o.name = ""; }));
  EXPECT_TRUE(refused([](auto& o) { o.tolerance = -1; }));
  EXPECT_TRUE(refused([](auto& o) { o.tolerance = 1; }));
  EXPECT_TRUE(refused([](auto& o) { o.tolerance = std::numeric_limits<double>::quiet_NaN(); }));
  EXPECT_TRUE(refused([](auto& o) { o.choice_letters = ""; }));
  EXPECT_TRUE(refused([](auto& o) { o.choice_letters = "abc"; }));
  EXPECT_TRUE(refused([](auto& o) { o.choice_letters = "ABA"; }));
}

// Random texts over an alphabet that is rich in what the readers look for.
std::string RandomAnswer(Rng& rng) {
  static const std::vector<std::string> kPieces = {"1",
                                                   "8",
                                                   "18",
                                                   ".",
                                                   ",",
                                                   "-",
                                                   "/",
                                                   "$",
                                                   "%",
                                                   " ",
                                                   "\n",
                                                   "e",
                                                   "^",
                                                   "{",
                                                   "}",
                                                   "\\boxed{",
                                                   "\\frac{1}{2}",
                                                   "\\frac",
                                                   "A:",
                                                   "####",
                                                   "answer is ",
                                                   "answer",
                                                   ":",
                                                   "=",
                                                   "(B)",
                                                   "B",
                                                   "I ",
                                                   "\xE2\x88\x92",
                                                   "\xC2\xBD",
                                                   "\xFF",
                                                   "\xE2",
                                                   std::string(1, '\0'),
                                                   "\\",
                                                   "x10^",
                                                   "million"};
  std::string text;
  for (std::uint64_t i = rng.Below(30); i > 0; --i) text += kPieces[rng.Below(kPieces.size())];
  return text;
}

TEST(ReferenceJudgeTest, ScoresStayInRangeAndDoNotDependOnTheSeat) {
  Rng rng(11);
  for (const ReferenceMatch match : kAllMatches) {
    const auto judge = MakeJudge(match);
    for (int round = 0; round < 4000; ++round) {
      const std::string first = RandomAnswer(rng), second = RandomAnswer(rng);
      const Instruction instruction = WithReference(round % 2 == 0 ? "18 B" : RandomAnswer(rng));
      const Game game = Play(*judge, instruction, first, second);
      const Game swapped = Play(*judge, instruction, second, first);
      ASSERT_EQ(game.state, swapped.state);
      if (game.state != WorkState::kDone) continue;
      ASSERT_EQ(game.verdict.score_first, swapped.verdict.score_second);
      ASSERT_EQ(game.verdict.score_second, swapped.verdict.score_first);
      ASSERT_THAT(game.verdict.score_first, AllOf(Ge(1), Le(10)));
      ASSERT_EQ(Play(*judge, instruction, first, first).verdict.score_first,
                game.verdict.score_first);
    }
  }
}

std::string Repeat(std::string_view piece, std::size_t count) {
  std::string text;
  text.reserve(piece.size() * count);
  for (std::size_t i = 0; i < count; ++i) text += piece;
  return text;
}

TEST(ReferenceJudgeTest, HugeAndHostileAnswersAreJudgedInLinearTime) {
  constexpr std::size_t kSize = 300'000;
  const std::vector<std::string> pieces = {"9",          "9,",        "1,234,", "9/",
                                           "9 9/",       "9.",        "9:",     "-",
                                           "$",          "1e",        "10^{",   "\n",
                                           "answer",     "A:",        "####",   "#### 1. ",
                                           "answer is ", "\\frac{1}", "\\",     "{",
                                           "(B)",        "B or ",     "=",      "\xEF\xBC\x91",
                                           "\xC2\xBD",   " ",         "a"};
  std::vector<std::string> answers;
  for (const std::string& piece : pieces) answers.push_back(Repeat(piece, kSize / piece.size()));
  answers.push_back(std::string(10'000'000, '9'));
  answers.push_back(Repeat("\\boxed{", 100000));
  answers.push_back(Repeat("\\boxed{", 100000) + "18" + Repeat("}", 100000));
  for (const ReferenceMatch match : kAllMatches) {
    const auto judge = MakeJudge(match);
    const Instruction instruction = WithReference("18 (B)");
    for (std::size_t i = 0; i < answers.size(); ++i) {
      const auto start = std::chrono::steady_clock::now();
      const Game game = Play(*judge, instruction, answers[i], "");
      EXPECT_EQ(game.state, WorkState::kDone);
      EXPECT_LT(game.verdict.explanation.size(), 1000U);
      // These take a few hundredths of a second; a quadratic step would take hours.
      EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20))
          << ReferenceMatchName(match) << " of " << answers[i].substr(0, 20);
    }
  }
  EXPECT_EQ(Play(ReferenceMatch::kNumeric, "18", answers.back(), "").verdict.score_first, 10);
}

TEST(ReferenceJudgeTest, AgreesWithEveryMarkOfGsm8kModelSolutions) {
  const std::filesystem::path file = std::filesystem::path(ARENA_SOURCE_DIR) / "../shared/data" /
                                     "gsm8k/example_model_solutions.jsonl";
  std::ifstream stream(file);
  if (!stream) GTEST_SKIP() << "no GSM8K data at " << file;
  const auto judge = MakeJudge(ReferenceMatch::kNumeric);
  int problems = 0, marks = 0;
  for (std::string line; std::getline(stream, line); ++problems) {
    const auto row = ParseJson(line);
    ASSERT_TRUE(row.ok());
    const Instruction instruction = WithReference((*row)["ground_truth"].get<std::string>());
    for (const auto& [model, solution] : row->items()) {
      if (!solution.is_object()) continue;
      const auto text = solution["solution"].get<std::string>();
      const Game game = Play(*judge, instruction, text, "");
      ASSERT_EQ(game.state, WorkState::kDone) << game.error;
      EXPECT_EQ(game.verdict.score_first, solution["is_correct"].get<bool>() ? 10 : 1)
          << model << " on line " << problems + 1 << ": " << game.verdict.explanation;
      ++marks;
    }
  }
  EXPECT_EQ(problems, 1319);
  EXPECT_EQ(marks, 5276);
}

}  // namespace
}  // namespace arena
