#include "report/data_card_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/report_testing.h"

namespace arena {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

DataCard SampleCard() {
  DataCard card;
  card.settings.target = "heron-2b";
  card.settings.kind = TrainingKind::kDpo;
  card.settings.format = TrainerFormat::kTrl;
  card.judge = "reference";
  card.battles = 1200;
  card.selected = 300;
  card.rows = 420;
  card.instructions = 400;
  card.instructions_selected = 300;
  card.dropped = {{"test-set", 3}, {"void", 0}, {"tie", 897}};
  card.pairs = {{"heron-2b", "heron-9b", 600, 100, 150, 340, 10, 290},
                {"heron-2b", "wren|3b", 600, 400, 150, 50, 0, 10}};
  card.categories = {{"", 400, 100}, {"arithmetic", 800, 200}};
  card.answers_from = {{"heron-9b", 290}, {"wren|3b", 10}};
  card.prompt_characters = {300, 12, 40, 45.5, 200};
  card.answer_characters = {300, 1, 30, 33.25, 900};
  card.margin = {300, 0.5, 4, 4.2, 9};
  card.has_test_set = true;
  card.test_instructions = 40;
  card.overlap_removed = 1;
  card.earlier = {200, 120, 60, 15, 5};
  card.store_hash = "00ff";
  card.inputs = {{"test set", "test.jsonl", "0123", 40}};
  card.outputs = {{"dpo.jsonl", 420, 99999, "4567"}};
  return card;
}

TEST(DataCardMarkdownTest, IsAsApproved) {
  ExpectGolden("data_card.md", DataCardMarkdown(SampleCard()));
}

TEST(DataCardMarkdownTest, SaysWhatWasNotGiven) {
  const std::string text = DataCardMarkdown(DataCard());
  EXPECT_THAT(text, HasSubstr("nothing was compared"));
  EXPECT_THAT(text, Not(HasSubstr("Earlier selections")));
  EXPECT_THAT(text, HasSubstr("n/a"));
}

}  // namespace
}  // namespace arena
