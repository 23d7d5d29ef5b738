#include "chat/internal/answer_text.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/rng.h"
#include "chat/local_testing.h"

namespace arena {
namespace {

class AnswerTextTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(WriteByteTokenizer(folder_.path(), 300).ok());
    auto tokenizer = LoadTokenizer(folder_.path());
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message;
    tokenizer_ = std::move(*tokenizer);
  }

  /// What each byte of `text`, one token each, releases; the last one is of Finish().
  std::vector<std::string> Released(const std::string& text, std::vector<std::string> stop) {
    AnswerText answer(*tokenizer_, std::move(stop));
    std::vector<std::string> pieces;
    for (const TokenId token : tokenizer_->Encode(text)) pieces.push_back(answer.Add(token));
    pieces.push_back(answer.Finish());
    stopped_ = answer.stopped();
    return pieces;
  }
  std::string Text(const std::string& text, std::vector<std::string> stop) {
    std::string all;
    for (const std::string& piece : Released(text, std::move(stop))) all += piece;
    return all;
  }

  TemporaryFolder folder_;
  std::unique_ptr<Tokenizer> tokenizer_;
  bool stopped_ = false;
};

using Pieces = std::vector<std::string>;

TEST_F(AnswerTextTest, TextWithoutAStopStringPassesAtOnce) {
  EXPECT_EQ(Released("abc", {}), (Pieces{"a", "b", "c", ""}));
  EXPECT_EQ(Released("abc", {"xyz"}), (Pieces{"a", "b", "c", ""}));
  EXPECT_FALSE(stopped_);
}

TEST_F(AnswerTextTest, AStopStringAcrossTokensEndsTheTextAndNothingFollows) {
  EXPECT_EQ(Released("ab END cd", {"END"}), (Pieces{"a", "b", " ", "", "", "", "", "", "", ""}));
  EXPECT_TRUE(stopped_);
}

TEST_F(AnswerTextTest, WhatOnlyBeganAStopStringIsReleasedWhenItIsCertain) {
  EXPECT_EQ(Released("aENb", {"END"}), (Pieces{"a", "", "", "ENb", ""}));
  EXPECT_FALSE(stopped_);
  // The end of the tokens makes it certain too.
  EXPECT_EQ(Released("aEN", {"END"}), (Pieces{"a", "", "", "EN"}));
  EXPECT_FALSE(stopped_);
}

TEST_F(AnswerTextTest, ABeginningInsideABeginningIsNotLost) {
  EXPECT_EQ(Text("xaabaabaac", {"aabaac"}), "xaab");
  EXPECT_TRUE(stopped_);
  EXPECT_EQ(Text("EENEND", {"END"}), "EEN");
}

TEST_F(AnswerTextTest, TheFirstOfSeveralStopStringsEndsTheText) {
  EXPECT_EQ(Text("one two three", {"three", "two"}), "one ");
  EXPECT_EQ(Text("one two three", {"zwei", "three"}), "one two ");
  EXPECT_EQ(Text("two", {"two"}), "");
}

TEST_F(AnswerTextTest, CharactersAreReleasedWhole) {
  EXPECT_EQ(Released("\u00e9\U0001F600", {}), (Pieces{"", "\u00e9", "", "", "", "\U0001F600", ""}));
  // A character that shares its first bytes with a stop string's.
  EXPECT_EQ(Text("x\u00e8y", {"\u00e9"}), "x\u00e8y");
  EXPECT_EQ(Text("x\u00e9y", {"\u00e9"}), "x");
  // Cut off in a character.
  EXPECT_EQ(Released("a\xF0\x9F", {}), (Pieces{"a", "", "", "\uFFFD"}));
}

TEST_F(AnswerTextTest, SpecialTokensGiveNoText) {
  AnswerText answer(*tokenizer_, {"<|im_end|>"});
  EXPECT_EQ(answer.Add(2), "");
  EXPECT_EQ(answer.Finish(), "");
  EXPECT_FALSE(answer.stopped());
}

TEST_F(AnswerTextTest, AgreesWithASearchInTheWholeText) {
  Rng rng(5);
  const auto text_of = [&](std::size_t size) {
    std::string text;
    for (std::size_t i = 0; i < size; ++i) text += static_cast<char>('a' + rng.Below(2));
    return text;
  };
  int stopped = 0;
  for (int round = 0; round < 2000; ++round) {
    const std::string text = text_of(rng.Below(16));
    const std::string stop = text_of(1 + rng.Below(6));
    const std::size_t found = text.find(stop);
    EXPECT_EQ(Text(text, {stop}), text.substr(0, found)) << text << " / " << stop;
    EXPECT_EQ(stopped_, found != std::string::npos);
    stopped += stopped_ ? 1 : 0;
  }
  EXPECT_GT(stopped, 200);
  EXPECT_LT(stopped, 1800);
}

}  // namespace
}  // namespace arena
