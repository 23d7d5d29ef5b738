#include "formats/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "formats/internal/test_files.h"

namespace arena {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Row = std::vector<std::string>;

struct Table {
  Row header;
  std::vector<Row> rows;
  std::vector<std::int64_t> lines;
  std::vector<std::string> errors;
};

Table ReadTable(std::string_view text, const CsvOptions& options = {}) {
  Table table;
  auto csv = CsvReader::Open(InputSource::Memory("f.csv", text), options);
  if (!csv.ok()) {
    table.errors.push_back(csv.error().message);
    return table;
  }
  table.header = csv->header();
  while (true) {
    const auto more = csv->Next();
    if (!more.ok()) {
      table.errors.push_back(more.error().message);
      if (csv->recoverable()) continue;
      return table;
    }
    if (!*more) return table;
    Row row;
    for (std::size_t i = 0; i < table.header.size(); ++i) row.emplace_back(csv->field(i));
    table.rows.push_back(row);
    table.lines.push_back(csv->line());
  }
}

TEST(CsvTest, ReadsPlainRows) {
  const Table table = ReadTable("a,b,c\n1,2,3\r\n,,\nx y, z ,\"\"\n");
  EXPECT_THAT(table.header, ElementsAre("a", "b", "c"));
  EXPECT_THAT(table.rows, ElementsAre(Row{"1", "2", "3"}, Row{"", "", ""}, Row{"x y", " z ", ""}));
  EXPECT_THAT(table.lines, ElementsAre(2, 3, 4));
  EXPECT_THAT(table.errors, ElementsAre());
}

TEST(CsvTest, QuotedFieldsHoldDelimitersNewlinesAndQuotes) {
  const Table table =
      ReadTable("a,b\n\"x,y\",\"line 1\r\nline 2\"\n\"say \"\"hi\"\"\",\"\"\"\"\nlast,5\" disk");
  EXPECT_THAT(table.rows, ElementsAre(Row{"x,y", "line 1\r\nline 2"}, Row{"say \"hi\"", "\""},
                                      Row{"last", "5\" disk"}));
  EXPECT_THAT(table.lines, ElementsAre(2, 4, 5));
}

TEST(CsvTest, EmptyLinesAreSkippedAndCounted) {
  const Table table = ReadTable("\n\na,b\n\r\n1,2\n\n\n3,4\n\n");
  EXPECT_THAT(table.rows, ElementsAre(Row{"1", "2"}, Row{"3", "4"}));
  EXPECT_THAT(table.lines, ElementsAre(5, 8));
}

TEST(CsvTest, ATabInTheHeaderMakesATableOfTabs) {
  EXPECT_THAT(ReadTable("a\tb\n1,5\t2\n").rows, ElementsAre(Row{"1,5", "2"}));
  EXPECT_THAT(ReadTable("a;b\n1,5;2\n", {.delimiter = ';'}).rows, ElementsAre(Row{"1,5", "2"}));
}

TEST(CsvTest, RowsOfTheWrongWidthAreErrorsAndTheNextRowIsStillRead) {
  const Table table = ReadTable("a,b\n1\n1,2,3\n\"x\"y,2\n4,5\n");
  EXPECT_THAT(table.rows, ElementsAre(Row{"4", "5"}));
  ASSERT_EQ(table.errors.size(), 3U);
  EXPECT_EQ(table.errors[0], "f.csv:2: the row has 1 fields and the header 2");
  EXPECT_EQ(table.errors[1], "f.csv:3: the row has 3 fields and the header 2");
  EXPECT_THAT(table.errors[2], HasSubstr("f.csv:4: text follows a closing quote"));
}

TEST(CsvTest, AQuoteThatIsNeverClosedNamesItsRow) {
  EXPECT_THAT(ReadTable("a,b\n1,2\n3,\"4\n5,6\n").errors,
              ElementsAre("f.csv:3: a quoted field of this row is never closed"));
  const std::string endless = "a,b\n3,\"" + std::string(3'000'000, 'x');
  EXPECT_THAT(ReadTable(endless, {.max_row_bytes = 1000}).errors.at(0),
              HasSubstr("longer than 1000"));
}

TEST(CsvTest, TheHeaderMustNameEachColumnOnce) {
  EXPECT_THAT(ReadTable("").errors.at(0), HasSubstr("is empty"));
  EXPECT_THAT(ReadTable("a,b,a\n").errors.at(0), HasSubstr("\"a\" appears twice"));
  EXPECT_THAT(ReadTable("a,\n").errors.at(0), HasSubstr("has no name"));
  EXPECT_THAT(ReadTable(",a\n0,x\n").rows, ElementsAre(Row{"0", "x"}));
}

TEST(CsvTest, AMissingColumnIsAnErrorWithTheNearestName) {
  auto csv = CsvReader::Open(InputSource::Memory("f.csv", "model_a,model_b,winer\n"));
  ASSERT_TRUE(csv.ok());
  EXPECT_EQ(csv->Column("model_b").value(), 1U);
  EXPECT_EQ(csv->Column("winner").error().message,
            "f.csv:1: there is no column \"winner\"; did you mean \"winer\"?");
  EXPECT_THAT(csv->Column("tokens").error().message, HasSubstr("model_a, model_b, winer"));
}

std::string Quote(const std::string& field) {
  std::string out = "\"";
  for (const char c : field) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + '"';
}

TEST(CsvTest, WhatIsWrittenIsReadBackWhateverTheBufferCuts) {
  std::mt19937 random(7);
  const std::string letters = "a,\"\n\r\t x";
  std::vector<Row> rows;
  std::string text = "p,q,r\n";
  for (int i = 0; i < 4000; ++i) {
    Row row;
    for (int f = 0; f < 3; ++f) {
      // A few fields are longer than the reader's first buffer.
      std::string field(i % 1000 == 999 ? 300'000 : random() % 300, '\0');
      for (char& c : field) c = letters[random() % letters.size()];
      row.push_back(field);
      text += Quote(field) + (f < 2 ? "," : "\n");
    }
    rows.push_back(row);
  }
  const Table plain = ReadTable(text);
  EXPECT_EQ(plain.rows, rows);
  EXPECT_THAT(plain.errors, ElementsAre());
  EXPECT_EQ(ReadTable(Gzip(text)).rows, rows);
}

}  // namespace
}  // namespace arena
