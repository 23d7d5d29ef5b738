#include "judge/verdict_parser.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "base/rng.h"

namespace arena {
namespace {

constexpr SeatScores kSecondBetter = SwapSeats(kFirstBetter);
constexpr SeatScores kSecondMuchBetter = SwapSeats(kFirstMuchBetter);

struct Case {
  const char* reply;
  std::optional<SeatScores> strict;
  std::optional<SeatScores> tolerant;
};

std::optional<SeatScores> Scores(VerdictForm form, std::string_view reply, VerdictReading reading) {
  const auto verdict = ParseVerdict(form, reply, reading);
  if (!verdict) return std::nullopt;
  return verdict->scores;
}

template <std::size_t N>
void Check(VerdictForm form, const std::array<Case, N>& cases) {
  for (const Case& c : cases) {
    EXPECT_EQ(Scores(form, c.reply, VerdictReading::kStrict), c.strict) << c.reply;
    EXPECT_EQ(Scores(form, c.reply, VerdictReading::kTolerant), c.tolerant) << c.reply;
  }
}

TEST(VerdictParserTest, PairVerdicts) {
  Check(
      VerdictForm::kPairVerdict,
      std::array<Case, 28>{{
          {"A is right. [[A]]", kFirstBetter, kFirstBetter},
          {"[[B]]", kSecondBetter, kSecondBetter},
          {"Neither.\n\n**[[C]]**", kTieScores, kTieScores},
          {"[[ b ]]", kSecondBetter, kSecondBetter},
          {"[[A]] as said: [[A]]", kFirstBetter, kFirstBetter},
          {"{\"verdict\": \"B\"}", kSecondBetter, kSecondBetter},
          {"{\"explanation\": \"x [[A]]\", \"verdict\": \"B\"}", kSecondBetter, kSecondBetter},
          // Several that differ: the last that stands alone.
          {"[[A]] was my first thought.\n\nFinal verdict: [[B]]", std::nullopt, kSecondBetter},
          {"[[A]]\n[[B]]", std::nullopt, kSecondBetter},
          {"It is [[A]] or [[B]], who knows.", std::nullopt, std::nullopt},
          {"\"[[A]]\" if A is better, \"[[B]]\" if B is, \"[[C]]\" for a tie", std::nullopt,
           std::nullopt},
          {"I was told to write \"[[A]]\" but cannot decide.", std::nullopt, std::nullopt},
          {"The verdict is:\n\"[[A]]\"", kFirstBetter, kFirstBetter},
          // Without double brackets.
          {"Verdict: A", std::nullopt, kFirstBetter},
          {"**Final Verdict:** Assistant B is better", std::nullopt, kSecondBetter},
          {"Good points.\n[B]", std::nullopt, kSecondBetter},
          {"My final verdict is: (A).", std::nullopt, kFirstBetter},
          {"Winner: tie", std::nullopt, kTieScores},
          {"```\n[[A]]\n```", kFirstBetter, kFirstBetter},
          {"Sure:\n```json\n{\"verdict\": \"A\"}\n```", std::nullopt, kFirstBetter},
          {"The answer: \\boxed{B}", std::nullopt, kSecondBetter},
          {"Answer: \\boxed{B}", std::nullopt, kSecondBetter},
          // No verdict.
          {"", std::nullopt, std::nullopt},
          {"Answer A\n\nIt is wrong.\n\nAnswer B\n\nIt is wrong, too.", std::nullopt, std::nullopt},
          {"A is good.\nB is good.", std::nullopt, std::nullopt},
          {"[[D]] [[A>B]] [[8]] [[]]", std::nullopt, std::nullopt},
          {"{\"verdict\": \"none\"}", std::nullopt, std::nullopt},
          {"<think>\n[[A]] it is", std::nullopt, std::nullopt},
      }});
}

TEST(VerdictParserTest, ThoughtsAreNoVerdict) {
  EXPECT_EQ(
      Scores(VerdictForm::kPairVerdict, "<think>[[A]]</think>\n[[B]]", VerdictReading::kStrict),
      kSecondBetter);
}

TEST(VerdictParserTest, PairGrades) {
  Check(VerdictForm::kPairGrades,
        std::array<Case, 16>{{
            {"My final verdict is: [[A>>B]]", kFirstMuchBetter, kFirstMuchBetter},
            {"[[A>B]]", kFirstBetter, kFirstBetter},
            {"[[A=B]]", kTieScores, kTieScores},
            {"[[B>A]]", kSecondBetter, kSecondBetter},
            {"[[B>>A]]", kSecondMuchBetter, kSecondMuchBetter},
            {"[[A<B]]", kSecondBetter, kSecondBetter},
            {"[[A<<B]]", kSecondMuchBetter, kSecondMuchBetter},
            {"[[B=A]]", kTieScores, kTieScores},
            {"[[a >> b]]", kFirstMuchBetter, kFirstMuchBetter},
            {"[[A&gt;B]]", kFirstBetter, kFirstBetter},
            {"Verdict: B>>A", std::nullopt, kSecondMuchBetter},
            {"{\"verdict\":\"[[A>B]]\"}", kFirstBetter, kFirstBetter},
            {"[[A>B]]? No.\n[[A>>B]]", std::nullopt, kFirstMuchBetter},
            {"[[A]]", std::nullopt, std::nullopt},
            {"Since a > b in the code, it is fine.", std::nullopt, std::nullopt},
            {"[[A>>>B]]", std::nullopt, std::nullopt},
        }});
}

TEST(VerdictParserTest, PairScores) {
  using S = SeatScores;
  Check(VerdictForm::kPairScores,
        std::array<Case, 24>{{
            {"Both do.\n[[8, 5]]", S{8, 5}, S{8, 5}},
            {"[[8.5,10]]", S{8.5, 10}, S{8.5, 10}},
            {"[[8/10, 5/10]]", S{8, 5}, S{8, 5}},
            {"[[7 ; 7]]", S{7, 7}, S{7, 7}},
            {"{\"explanation\":\"x\",\"score_a\":3,\"score_b\":9.5}", S{3, 9.5}, S{3, 9.5}},
            {"{\"scores\": [4, 6]}", S{4, 6}, S{4, 6}},
            {"{\"Score_A\": \"4\", \"Score_B\": \"6/10\"}", S{4, 6}, S{4, 6}},
            {"8 5\nA is better in every way.", std::nullopt, S{8, 5}},
            {"Because.\nScores: 8, 5", std::nullopt, S{8, 5}},
            {"Assistant A: 8/10\nAssistant B: 5 out of 10", std::nullopt, S{8, 5}},
            {"**Score of A:** 8\n**Score of B:** 5", std::nullopt, S{8, 5}},
            {"A: 8, B: 5", std::nullopt, S{8, 5}},
            {"A: [[8]], B: [[5]]", std::nullopt, S{8, 5}},
            {"A: 3, B: 4\nWait.\nA: 8, B: 5", std::nullopt, S{8, 5}},
            {"[[score of A, score of B]]\n[[2, 3]]", S{2, 3}, S{2, 3}},
            // No verdict.
            {"[[0, 5]]", std::nullopt, std::nullopt},
            {"[[8, 11]]", std::nullopt, std::nullopt},
            {"[[-8, 5]]", std::nullopt, std::nullopt},
            {"[[8]]", std::nullopt, std::nullopt},
            {"A: 8", std::nullopt, std::nullopt},
            {"Assistant A: 80/100, Assistant B: 50/100", std::nullopt, std::nullopt},
            {"A: 8-9, B: 5", std::nullopt, std::nullopt},
            {"[[8, 5, 3]]", std::nullopt, std::nullopt},
            {"{\"score_a\": 3}", std::nullopt, std::nullopt},
        }});
}

TEST(VerdictParserTest, SingleScores) {
  using S = SeatScores;
  Check(VerdictForm::kSingleScore,
        std::array<Case, 15>{{
            {"Good.\nRating: [[7]]", S{7, 0}, S{7, 0}},
            {"[[7.5]]", S{7.5, 0}, S{7.5, 0}},
            {"[[10/10]]", S{10, 0}, S{10, 0}},
            {"{\"score\": 1}", S{1, 0}, S{1, 0}},
            {"Rating: 7", std::nullopt, S{7, 0}},
            {"Score: 7/10.", std::nullopt, S{7, 0}},
            {"Final score: 7 out of 10", std::nullopt, S{7, 0}},
            {"Well done.\n\n9", std::nullopt, S{9, 0}},
            {"[[3]] at first, but in all\n[[4]]", std::nullopt, S{4, 0}},
            {"[[0]]", std::nullopt, std::nullopt},
            {"[[11]]", std::nullopt, std::nullopt},
            {"[[rating]]", std::nullopt, std::nullopt},
            {"Rating: -7", std::nullopt, std::nullopt},
            {"Rating: 7/100", std::nullopt, std::nullopt},
            {"There are 7 errors in 3 lines.", std::nullopt, std::nullopt},
        }});
}

TEST(VerdictParserTest, TheExplanationIsTheReplyOrWhatTheObjectSays) {
  const auto text =
      ParseVerdict(VerdictForm::kPairScores, "\nwhy\n[[8, 5]]\n", VerdictReading::kStrict);
  ASSERT_TRUE(text.has_value());
  EXPECT_EQ(text->explanation, "why\n[[8, 5]]");
  const auto json = ParseVerdict(VerdictForm::kSingleScore, R"({"explanation":"why","score":4})",
                                 VerdictReading::kStrict);
  ASSERT_TRUE(json.has_value());
  EXPECT_EQ(json->explanation, "why");
}

constexpr std::array<VerdictForm, 4> kForms = {VerdictForm::kPairScores, VerdictForm::kPairVerdict,
                                               VerdictForm::kPairGrades, VerdictForm::kSingleScore};

/// Words of replies, without anything that could be a verdict.
std::string Prose(Rng& rng, std::size_t words) {
  constexpr std::array<const char*, 18> kWords = {
      "the", "answer", "is", "better",  "than", "verdict", "score", ":",     "\n",
      "[[",  "]]",     "**", "because", "{",    "}",       "\"",    "```\n", "final"};
  std::string text;
  for (std::size_t i = 0; i < words; ++i) {
    text += kWords[static_cast<std::size_t>(rng.Below(kWords.size()))];
    text += ' ';
  }
  return text;
}

TEST(VerdictParserPropertyTest, TextWithoutAVerdictHasNone) {
  Rng rng(7, 0);
  for (int round = 0; round < 20'000; ++round) {
    const std::string text = Prose(rng, 1 + static_cast<std::size_t>(rng.Below(30)));
    for (const VerdictForm form : kForms) {
      EXPECT_EQ(Scores(form, text, VerdictReading::kTolerant), std::nullopt) << text;
    }
  }
}

TEST(VerdictParserPropertyTest, ProseBeforeAVerdictChangesNothing) {
  Rng rng(8, 0);
  for (int round = 0; round < 5'000; ++round) {
    const std::string text = Prose(rng, static_cast<std::size_t>(rng.Below(30)));
    EXPECT_EQ(Scores(VerdictForm::kPairGrades, text + "\n[[B>A]]", VerdictReading::kStrict),
              kSecondBetter)
        << text;
    EXPECT_EQ(Scores(VerdictForm::kPairScores, text + "\n[[8, 5]]", VerdictReading::kStrict),
              (SeatScores{8, 5}))
        << text;
  }
}

/// A reply as it would be with the seats swapped.
std::string Mirror(std::string_view reply) {
  std::string mirrored(reply);
  for (std::size_t i = 0; i < reply.size(); ++i) {
    const bool in_word = i + 1 < reply.size() && reply[i + 1] >= 'a' && reply[i + 1] <= 'z';
    if (in_word) continue;  // "Assistant"
    if (reply[i] == 'A') mirrored[i] = 'B';
    if (reply[i] == 'B') mirrored[i] = 'A';
  }
  return mirrored;
}

TEST(VerdictParserPropertyTest, MirroredRepliesHaveMirroredVerdicts) {
  constexpr std::array<const char*, 20> kPieces = {
      "[[A]]", "[[B]]", "[[C]]",    "[[A>B]]",   "[[B>>A]]",  "[[A=B]]",  "A: 8, B: 5",
      "A: 3",  "B: 9",  "Verdict:", "A",         "B",         "\n",       "\n",
      " ",     "\"",    "**",       "Assistant", "is better", "{\"a\":3}"};
  Rng rng(9, 0);
  int found = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (std::uint64_t i = rng.Below(10); i > 0; --i) {
      text += kPieces[static_cast<std::size_t>(rng.Below(kPieces.size()))];
      if (rng.Below(2) == 0) text += ' ';
    }
    for (const VerdictForm form :
         {VerdictForm::kPairScores, VerdictForm::kPairVerdict, VerdictForm::kPairGrades}) {
      for (const auto reading : {VerdictReading::kStrict, VerdictReading::kTolerant}) {
        const auto here = Scores(form, text, reading);
        const auto there = Scores(form, Mirror(text), reading);
        ASSERT_EQ(here.has_value(), there.has_value()) << text;
        if (!here) continue;
        ++found;
        EXPECT_EQ(*there, SwapSeats(*here)) << text;
      }
    }
  }
  EXPECT_GT(found, 1000);
}

TEST(VerdictParserPropertyTest, WhatStrictReadsTolerantReadsTheSame) {
  Rng rng(10, 0);
  for (int round = 0; round < 5'000; ++round) {
    const std::string text = Prose(rng, static_cast<std::size_t>(rng.Below(20))) + "\n[[A]]" +
                             (rng.Below(2) == 0 ? " [[B]]" : "") +
                             Prose(rng, static_cast<std::size_t>(rng.Below(5)));
    const auto strict = Scores(VerdictForm::kPairVerdict, text, VerdictReading::kStrict);
    if (!strict) continue;
    EXPECT_EQ(Scores(VerdictForm::kPairVerdict, text, VerdictReading::kTolerant), strict) << text;
  }
}

}  // namespace
}  // namespace arena
