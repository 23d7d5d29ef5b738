#include "text/reasoning.h"

#include <gtest/gtest.h>

namespace arena {
namespace {

TEST(ReasoningTest, LeadingThoughtsAreSplitOff) {
  const SplitReply reply = SplitReasoning("\n<think>\n2+2 is 4\n</think>\n\nIt is 4. \n");
  EXPECT_EQ(reply.reasoning, "2+2 is 4");
  EXPECT_EQ(reply.answer, "It is 4. \n");
  EXPECT_FALSE(reply.is_cut);
}

TEST(ReasoningTest, AReplyWithoutThoughtsStaysAsItIs) {
  for (const char* text : {"", "  ", " plain ", "the tag <think> and </think>", "</think>x"}) {
    EXPECT_EQ(SplitReasoning(text).answer, text);
    EXPECT_EQ(SplitReasoning(text).reasoning, "");
  }
}

TEST(ReasoningTest, ThoughtsThatNeverEndLeaveNoAnswer) {
  const SplitReply reply = SplitReasoning("<think>so, first");
  EXPECT_TRUE(reply.is_cut);
  EXPECT_EQ(reply.reasoning, "so, first");
  EXPECT_EQ(reply.answer, "");
}

TEST(ReasoningTest, OnlyTheFirstClosingTagCounts) {
  const SplitReply reply = SplitReasoning("<think></think>a</think>b");
  EXPECT_EQ(reply.answer, "a</think>b");
  EXPECT_FALSE(reply.is_cut);
}

}  // namespace
}  // namespace arena
