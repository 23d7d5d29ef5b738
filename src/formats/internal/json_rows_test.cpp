#include "formats/internal/json_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "formats/internal/test_files.h"

namespace arena {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Rows {
  std::vector<std::string> ids;
  std::vector<std::int64_t> lines;
  ReadReport report;
  std::string error;
};

Rows ReadIds(std::string_view text, bool skip_bad_rows = false) {
  Rows rows;
  RowLog log({skip_bad_rows});
  const Status status =
      ForEachJsonRow(InputSource::Memory("f", text), log, [&](const JsonRow& row) -> Status {
        ARENA_ASSIGN_OR_RETURN(const std::string_view id, row.String("id"));
        rows.ids.emplace_back(id);
        rows.lines.push_back(row.line());
        return log.Delivered({});
      });
  if (!status.ok()) rows.error = status.error().message;
  rows.report = log.report();
  return rows;
}

TEST(JsonRowsTest, ReadsOneObjectPerLine) {
  const Rows rows = ReadIds("{\"id\":\"a\"}\r\n\n {\"id\": \"b\\n\"}\n{\"id\":\"c\"}");
  EXPECT_THAT(rows.ids, ElementsAre("a", "b\n", "c"));
  EXPECT_THAT(rows.lines, ElementsAre(1, 3, 4));
  EXPECT_EQ(rows.report.rows, 3);
  EXPECT_EQ(rows.error, "");
}

TEST(JsonRowsTest, ReadsTheObjectsOfOneArray) {
  const Rows rows = ReadIds(
      "\xEF\xBB\xBF \n[\n {\"id\": \"a]}\\\"\",\n \"x\": [1, {\"y\": []}]},\n{\"id\":\"b\"} ]\n\n");
  EXPECT_THAT(rows.ids, ElementsAre("a]}\"", "b"));
  EXPECT_THAT(rows.lines, ElementsAre(3, 5));
  EXPECT_THAT(ReadIds("[]").ids, ElementsAre());
  EXPECT_EQ(ReadIds("[]").error, "");
  EXPECT_EQ(ReadIds("  \n").error, "");
}

TEST(JsonRowsTest, ALongArrayIsTheSamePlainAndCompressed) {
  std::string text = "[";
  std::vector<std::string> ids;
  for (int i = 0; i < 5000; ++i) {
    ids.push_back(std::string(static_cast<std::size_t>(i % 313), '\\') + "\"]" + std::to_string(i));
    text += (i > 0 ? "," : "");
    std::string escaped;
    for (const char c : ids.back())
      escaped += c == '\\' || c == '"' ? std::string{'\\', c} : std::string{c};
    text += "{\"id\":\"" + escaped + "\"}";
  }
  text += "]";
  EXPECT_EQ(ReadIds(text).ids, ids);
  EXPECT_EQ(ReadIds(Gzip(text)).ids, ids);
  EXPECT_EQ(ReadIds(Zstd(text)).ids, ids);
}

TEST(JsonRowsTest, ATornLastLineIsSkippedAndReported) {
  const Rows rows = ReadIds("{\"id\":\"a\"}\n{\"id\":\"b");
  EXPECT_EQ(rows.error, "");
  EXPECT_THAT(rows.ids, ElementsAre("a"));
  EXPECT_EQ(rows.report.bad_rows, 1);
  ASSERT_EQ(rows.report.problems.size(), 1U);
  EXPECT_THAT(rows.report.problems[0], HasSubstr("f:2: the last line is torn"));
}

TEST(JsonRowsTest, OtherBadLinesAreErrorsWithFileAndLine) {
  EXPECT_THAT(ReadIds("{\"id\":\"a\"}\n{\"id\":\"b\n{\"id\":\"c\"}\n").error,
              HasSubstr("f:2: not valid JSON"));
  EXPECT_THAT(ReadIds("model_a,model_b").error, HasSubstr("f:1: not valid JSON"));
  EXPECT_THAT(ReadIds("3\n").error, HasSubstr("f:1: the row should be a JSON object"));
  EXPECT_THAT(ReadIds("{\"id\":3}\n").error, HasSubstr("f:1: the field \"id\" should be a string"));
  EXPECT_THAT(ReadIds("{\"idd\":3}\n").error, HasSubstr("did you mean \"idd\"?"));
  EXPECT_THAT(ReadIds("{\"id\":null}\n").error, HasSubstr("the field \"id\" is null"));
}

TEST(JsonRowsTest, ABadArrayIsAnErrorWithLineAndRow) {
  EXPECT_THAT(ReadIds("[{\"id\":\"a\"},\n{\"id\":7}]").error, HasSubstr("f:2: row 2: the field"));
  EXPECT_THAT(ReadIds("[{\"id\":\"a\"},\n").error, HasSubstr("f:2: the array ends early"));
  EXPECT_THAT(ReadIds("[{\"id\":\"a\"").error, HasSubstr("the array ends early"));
  EXPECT_THAT(ReadIds("[{\"id\":\"a\"},]").error, HasSubstr("a row of the array is empty"));
  EXPECT_THAT(ReadIds("[{\"id\":\"a\"} {}]").error, HasSubstr("expected , or ]"));
  EXPECT_THAT(ReadIds("[{\"id\":\"a\"}] x").error, HasSubstr("something follows"));
  EXPECT_THAT(ReadIds("[}]").error, HasSubstr("not valid JSON"));
}

TEST(JsonRowsTest, BadRowsAreSkippedAndCountedWhereAsked) {
  std::string text;
  for (int i = 0; i < 30; ++i) text += "{\"id\":1}\n";
  const Rows lines = ReadIds(text + "{\"id\":\"z\"}\n", true);
  EXPECT_THAT(lines.ids, ElementsAre("z"));
  EXPECT_EQ(lines.report.rows, 1);
  EXPECT_EQ(lines.report.bad_rows, 30);
  EXPECT_EQ(lines.report.problems.size(), 20U);
  const Rows array = ReadIds("[1,{\"id\":\"a\"},{\"id\":tru},{\"id\":\"b\"},{", true);
  EXPECT_THAT(array.ids, ElementsAre("a", "b"));
  EXPECT_EQ(array.report.bad_rows, 3);
}

TEST(JsonRowsTest, AnErrorOfTheConsumerEndsTheReadingEvenWhenBadRowsAreSkipped) {
  RowLog log({true});
  int calls = 0;
  const Status status =
      ForEachJsonRow(InputSource::Memory("f", "{}\n{}\n"), log, [&](const JsonRow&) -> Status {
        ++calls;
        return log.Delivered(InvalidInput("full"));
      });
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message, "full");
  EXPECT_EQ(calls, 1);
}

TEST(JsonRowsTest, FieldsHaveTypes) {
  RowLog log({});
  const auto check = [&](const JsonRow& row) -> Status {
    EXPECT_EQ(row.OptionalId("s").value(), "x");
    EXPECT_EQ(row.OptionalId("i").value(), "-81");
    EXPECT_EQ(row.OptionalId("d").value(), "2.5");
    EXPECT_EQ(row.OptionalId("n").value(), "");
    EXPECT_FALSE(row.OptionalId("b").ok());
    EXPECT_EQ(row.OptionalNumber("i").value(), -81.0);
    EXPECT_EQ(row.OptionalNumber("none").value(), std::nullopt);
    EXPECT_FALSE(row.OptionalNumber("s").ok());
    EXPECT_EQ(row.OptionalBool("b").value(), true);
    EXPECT_FALSE(row.OptionalBool("i").ok());
    EXPECT_EQ(row.OptionalString("n").value(), "");
    EXPECT_FALSE(row.OptionalString("i").ok());
    EXPECT_EQ(row.Array("a").value().size(), 2U);
    EXPECT_FALSE(row.Array("s").ok());
    return {};
  };
  EXPECT_TRUE(ForEachJsonRow(InputSource::Memory(
                                 "f", R"({"s":"x","i":-81,"d":2.5,"n":null,"b":true,"a":[1,2]})"),
                             log, check)
                  .ok());
}

}  // namespace
}  // namespace arena
