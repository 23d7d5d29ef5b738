#include "report/test_set_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace arena {
namespace {

using testing::HasSubstr;
using testing::Not;

TestSetReport SmallReport() {
  TestSetReport report;
  report.files = {"pool.jsonl"};
  report.items = 1200;
  report.distinct = 1100;
  report.diverse = 1;
  report.hard = 1;
  report.candidates = 3;
  report.unrated = 1;
  report.rater = "difficulty by <judge>";
  report.ratings = {2, 9.5};
  report.clusters = {{.number = 1,
                      .label = "poem, <b>",
                      .items = 700,
                      .diverse = 1,
                      .mean_rating = std::nullopt,
                      .x = 0.5F},
                     {.number = 0,
                      .label = "",
                      .items = 400,
                      .hard = 1,
                      .mean_rating = 5.75,
                      .x = -0.5F,
                      .y = 0.25F}};
  report.chosen = {{.cluster = 1,
                    .place = "pool.jsonl:3",
                    .category = "a",
                    .rating = std::nullopt,
                    .text = "<script>"},
                   {.is_hard = true,
                    .place = "pool.jsonl:9",
                    .category = "",
                    .rating = 9.5,
                    .x = 1,
                    .y = 1,
                    .text = "Hard \u202e one"}};
  report.map = {{0, 0}, {0.5F, -1}};
  report.notes = {"Hard has 1 prompts in place of 2."};
  return report;
}

TEST(TestSetReport, TextHasSizesAndNotes) {
  const std::string text = TestSetText(SmallReport(), {});
  EXPECT_THAT(text, HasSubstr("1,200 items in 1 files, 1,100 different prompts, 2 clusters"));
  EXPECT_THAT(text,
              HasSubstr("Diverse 1, Hard 1 (of 3 candidates, by difficulty by <judge>), Mix 2"));
  EXPECT_THAT(text, HasSubstr("in place of 2."));
}

TEST(TestSetReport, JsonHasClusters) {
  const Json json = TestSetJson(SmallReport(), {});
  EXPECT_EQ(json.at("mix"), 2);
  EXPECT_EQ(json.at("clusters").at(1).at("mean_rating"), 5.75);
  EXPECT_TRUE(json.at("clusters").at(0).at("mean_rating").is_null());
}

TEST(TestSetReport, ThePageEscapesAllTextAndHasNoScript) {
  const std::string html = TestSetHtml(SmallReport(), {}, "{\"seed\": 1}");
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, Not(HasSubstr("<b>")));
  EXPECT_THAT(html, Not(HasSubstr("\u202e")));
  EXPECT_THAT(html, HasSubstr("&lt;script&gt;"));
  EXPECT_THAT(html, HasSubstr("default-src 'none'"));
  // The outermost places of the map are at its edges: 24 from each.
  EXPECT_THAT(html, HasSubstr("<circle class=\"hard\" cx=\"976.0\" cy=\"24.0\""));
  EXPECT_THAT(html, HasSubstr("<circle class=\"item\" cx=\"500.0\" cy=\"596.0\""));
  EXPECT_THAT(html, HasSubstr("(0 diverse, 1 hard)"));
  EXPECT_EQ(html, TestSetHtml(SmallReport(), {}, "{\"seed\": 1}"));
}

TEST(TestSetReport, AnEmptyReportIsAPageToo) {
  EXPECT_THAT(TestSetHtml({}, {}, "{}"), HasSubstr("</html>"));
}

}  // namespace
}  // namespace arena
