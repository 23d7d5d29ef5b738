#include "formats/line_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "formats/internal/test_files.h"

namespace arena {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Lines {
  std::vector<std::string> lines;
  bool terminated = true;
  std::string error;
};

Lines ReadAll(const InputSource& source, std::size_t max_line_bytes = kDefaultMaxRowBytes) {
  Lines all;
  auto reader = LineReader::Open(source, max_line_bytes);
  if (!reader.ok()) {
    all.error = reader.error().message;
    return all;
  }
  while (true) {
    const auto more = reader->Next();
    if (!more.ok()) all.error = more.error().message;
    if (!more.ok() || !*more) return all;
    all.lines.emplace_back(reader->line());
    all.terminated = reader->terminated();
    EXPECT_EQ(reader->number(), static_cast<std::int64_t>(all.lines.size()));
  }
}

Lines ReadText(std::string_view text) { return ReadAll(InputSource::Memory("f", text)); }

/// Many lines, short and long, so that lines cross every buffer's end.
std::string ManyLines() {
  std::string text;
  for (int i = 0; i < 3000; ++i) {
    text += std::to_string(i) + std::string(static_cast<std::size_t>(i * 7 % 997), 'x') + '\n';
  }
  return text + std::string(700'000, 'y') + "\nend\n";
}

TEST(LineReaderTest, SplitsAtNewlinesAndDropsCarriageReturns) {
  EXPECT_THAT(ReadText("a\nb\r\n\n c\r\n").lines, ElementsAre("a", "b", "", " c"));
  EXPECT_THAT(ReadText("").lines, ElementsAre());
  EXPECT_THAT(ReadText("\n").lines, ElementsAre(""));
  EXPECT_THAT(ReadText(std::string_view("a\0b\n", 4)).lines, ElementsAre(std::string("a\0b", 3)));
}

TEST(LineReaderTest, SaysWhetherTheLastLineHasItsNewline) {
  EXPECT_TRUE(ReadText("a\nb\n").terminated);
  const Lines torn = ReadText("a\nb");
  EXPECT_FALSE(torn.terminated);
  EXPECT_THAT(torn.lines, ElementsAre("a", "b"));
}

TEST(LineReaderTest, SkipsAByteOrderMarkAndRefusesUtf16) {
  EXPECT_THAT(ReadText("\xEF\xBB\xBF{}\n").lines, ElementsAre("{}"));
  EXPECT_THAT(ReadText("\xFF\xFE{").error, HasSubstr("UTF-16"));
}

TEST(LineReaderTest, PlainGzipAndZstdGiveTheSameLines) {
  const std::string text = ManyLines();
  const Lines plain = ReadText(text);
  EXPECT_EQ(plain.lines.size(), 3002U);
  EXPECT_EQ(plain.lines[3000].size(), 700'000U);
  EXPECT_EQ(ReadText(Gzip(text)).lines, plain.lines);
  EXPECT_EQ(ReadText(Zstd(text)).lines, plain.lines);
}

TEST(LineReaderTest, ReadsSeveralMembersAndFramesAsOneFile) {
  const std::string gzip = Gzip("a\nb") + Gzip("") + Gzip("c\nd\n");
  EXPECT_THAT(ReadText(gzip).lines, ElementsAre("a", "bc", "d"));
  EXPECT_THAT(ReadText(gzip + std::string(512, '\0')).lines, ElementsAre("a", "bc", "d"));
  EXPECT_THAT(ReadText(Zstd("a\nb") + Zstd("") + Zstd("c\nd\n")).lines,
              ElementsAre("a", "bc", "d"));
}

TEST(LineReaderTest, CutOffCompressedFilesAreErrorsThatSaySo) {
  const std::string text = ManyLines();
  for (const std::string& whole : {Gzip(text), Zstd(text)}) {
    for (const std::size_t size : {whole.size() - 1, whole.size() / 2, std::size_t{5}}) {
      const Lines lines = ReadText(std::string_view(whole).substr(0, size));
      EXPECT_THAT(lines.error, HasSubstr("ends too early")) << size << " of " << whole.size();
    }
  }
  EXPECT_THAT(ReadAll(InputSource::Memory("f.gz", "")).error, HasSubstr("empty"));
}

TEST(LineReaderTest, DamagedCompressedFilesAreErrors) {
  const std::string text = ManyLines();
  for (std::string bytes : {Gzip(text), Zstd(text)}) {
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 0x55);
    const Lines lines = ReadText(bytes);
    // zstd's default frames carry no checksum: what is decoded may differ without an error.
    if (lines.error.empty()) {
      EXPECT_NE(lines.lines, ReadText(text).lines);
    }
  }
  std::string gzip = Gzip(text);
  gzip[gzip.size() - 6] = static_cast<char>(gzip[gzip.size() - 6] ^ 1);  // the checksum
  EXPECT_THAT(ReadText(gzip).error, HasSubstr("damaged"));
  EXPECT_THAT(ReadText(Gzip("a\n") + "rest").error, HasSubstr("damaged"));
}

TEST(LineReaderTest, ALongLineIsAnErrorWithFileAndLine) {
  const std::string text = "short\n" + std::string(1000, 'x') + "\n";
  EXPECT_EQ(ReadAll(InputSource::Memory("f", text), 1000).error, "");
  const Lines lines = ReadAll(InputSource::Memory("f", text), 999);
  EXPECT_THAT(lines.error, HasSubstr("f:2: the line is longer than 999 bytes"));
  EXPECT_THAT(lines.lines, ElementsAre("short"));
  // Also where no newline is in sight.
  const std::string endless(2'000'000, 'x');
  EXPECT_THAT(ReadAll(InputSource::Memory("f", endless), 1000).error, HasSubstr("f:1:"));
}

TEST(LineReaderTest, ReadingGoesOnAfterALongLine) {
  const std::string longer(2'000'000, 'x');
  const std::string text = "one\n" + longer + "\ntwo\n" + longer;
  auto reader = LineReader::Open(InputSource::Memory("f", text), 1000);
  ASSERT_TRUE(reader.ok());
  ASSERT_TRUE(reader->Next().ok());
  ASSERT_FALSE(reader->Next().ok());
  EXPECT_TRUE(reader->recoverable());
  ASSERT_TRUE(*reader->Next());
  EXPECT_EQ(reader->line(), "two");
  EXPECT_EQ(reader->number(), 3);
  ASSERT_FALSE(reader->Next().ok());
  const auto end = reader->Next();
  ASSERT_TRUE(end.ok());
  EXPECT_FALSE(*end);
}

TEST(LineReaderTest, ReadsFilesAndNamesThemInErrors) {
  const TestDirectory directory;
  const auto file = directory.Write("a.jsonl.zst", Zstd("x\ny\n"));
  EXPECT_THAT(ReadAll(InputSource::File(file)).lines, ElementsAre("x", "y"));
  const auto missing = LineReader::Open(InputSource::File(directory.path() / "none.jsonl"));
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(missing.error().message, HasSubstr("none.jsonl: No such file"));
  EXPECT_THAT(ReadAll(InputSource::File(directory.path())).error, HasSubstr("directory"));
}

}  // namespace
}  // namespace arena
