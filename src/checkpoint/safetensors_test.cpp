#include "checkpoint/safetensors.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "base/file.h"
#include "base/rng.h"
#include "checkpoint/checkpoint_testing.h"

namespace arena {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// A file of a header and `data` bytes of zeros.
std::string File(std::string_view header, std::size_t data = 0) {
  std::string bytes;
  for (int shift = 0; shift < 64; shift += 8) {
    bytes.push_back(static_cast<char>(header.size() >> shift & 0xFF));
  }
  return bytes + std::string(header) + std::string(data, '\0');
}

std::string Entry(std::string_view name, std::string_view dtype, std::string_view shape,
                  std::size_t begin, std::size_t end) {
  return fmt::format(R"("{}":{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})", name, dtype,
                     shape, begin, end);
}

std::string ReadErrorOf(const std::string& bytes) {
  const auto file = SafetensorsFile::Parse(bytes, "f.safetensors");
  return file.ok() ? "no error" : file.error().message;
}

TEST(SafetensorsTest, ReadsTensorsInTheOrderOfTheirBytes) {
  const std::string bytes =
      File("{" + Entry("b", "BF16", "2, 3", 8, 20) + R"(,"__metadata__":{"format":"pt"},)" +
               Entry("a", "F32", "2", 0, 8) + "," + Entry("empty", "F32", "0, 7", 8, 8) + "," +
               Entry("scalar", "I64", "", 20, 28) + "}   ",
           28);
  const auto file = SafetensorsFile::Parse(bytes, "f");
  ASSERT_TRUE(file.ok()) << file.error().message;
  ASSERT_EQ(file->tensors().size(), 4U);
  EXPECT_EQ(file->tensors()[0].name, "a");
  EXPECT_EQ(file->tensors()[1].name, "empty");
  EXPECT_EQ(file->tensors()[2].name, "b");
  EXPECT_EQ(file->tensors()[2].shape, (TensorShape{2, 3}));
  EXPECT_EQ(file->tensors()[2].bytes.size(), 12U);
  EXPECT_EQ(file->tensors()[3].dtype, DType::kI64);
  EXPECT_EQ(file->tensors()[3].element_count(), 1U);
}

TEST(SafetensorsTest, RefusesHeadersThatDoNotFitTheFile) {
  EXPECT_THAT(ReadErrorOf(""), HasSubstr("f.safetensors: is cut off: 0 bytes"));
  EXPECT_THAT(ReadErrorOf(std::string(8, '\xff')), HasSubstr("more than 100000000"));
  std::string cut = File("{}");
  cut[0] = 100;
  EXPECT_THAT(ReadErrorOf(cut), HasSubstr("a header of 100 bytes in a file of 10"));
  EXPECT_THAT(ReadErrorOf(File("{\"a\":")), HasSubstr("not valid JSON"));
  EXPECT_THAT(ReadErrorOf(File("[]")), HasSubstr("header"));
  EXPECT_EQ(ReadErrorOf(File("{}")), "no error");
  EXPECT_THAT(ReadErrorOf(File("{}", 4)), HasSubstr("its data has 4"));
}

TEST(SafetensorsTest, RefusesTensorsThatDoNotFit) {
  const auto one = [](const std::string& entry, std::size_t data) {
    return ReadErrorOf(File("{" + entry + "}", data));
  };
  EXPECT_THAT(one(Entry("w", "F32", "2", 0, 8), 7),
              AllOf(HasSubstr("\"w\""), HasSubstr("cut off")));
  EXPECT_THAT(one(Entry("w", "F32", "3", 0, 8), 8),
              HasSubstr("has 8 bytes, and [3] of F32 needs 12"));
  EXPECT_THAT(one(Entry("w", "F99", "2", 0, 8), 8), HasSubstr("unknown dtype \"F99\""));
  EXPECT_THAT(one(Entry("w", "F32", "2", 8, 0), 8), HasSubstr("lies at bytes 8 to 0"));
  EXPECT_THAT(one(Entry("w", "F32", "4294967296,4294967296,0,1", 0, 0), 0), HasSubstr("too large"));
  EXPECT_THAT(one(Entry("w", "F64", "4611686018427387904", 0, 0), 0), HasSubstr("too large"));
  EXPECT_THAT(one(Entry("w", "F32", "-2", 0, 8), 8), HasSubstr("-2 is not a size"));
  EXPECT_THAT(one(Entry("w", "F32", "2.0", 0, 8), 8), HasSubstr("not a whole number"));
  EXPECT_THAT(one(Entry("w", "F32", "99999999999999999999", 0, 8), 8), HasSubstr("whole number"));
  EXPECT_THAT(one(Entry("w", "F32", "2", 4, 12), 12), HasSubstr("not right behind"));
}

TEST(SafetensorsTest, RefusesOverlapsGapsAndRepeatedNames) {
  const auto two = [](const std::string& a, const std::string& b) {
    return ReadErrorOf(File("{" + a + "," + b + "}", 16));
  };
  EXPECT_THAT(two(Entry("a", "F32", "2", 0, 8), Entry("b", "F32", "3", 4, 16)),
              HasSubstr("\"b\" begins at byte 4, within"));
  EXPECT_THAT(two(Entry("a", "F32", "1", 0, 4), Entry("b", "F32", "2", 8, 16)),
              HasSubstr("not right behind"));
  EXPECT_THAT(two(Entry("a", "F32", "2", 0, 8), Entry("a", "F32", "2", 8, 16)),
              HasSubstr("\"a\" is there twice"));
  EXPECT_EQ(two(Entry("a", "F32", "2", 0, 8), Entry("b", "F32", "2", 8, 16)), "no error");
}

TEST(SafetensorsTest, RefusesMembersOfAnotherForm) {
  const auto entry = [](const std::string& members) {
    return ReadErrorOf(File(R"({"w":)" + members + "}", 8));
  };
  EXPECT_THAT(entry("3"), HasSubstr("\"w\" is a number"));
  EXPECT_THAT(entry(R"({"dtype":"F32","shape":[2]})"),
              HasSubstr("needs dtype, shape and data_off"));
  EXPECT_THAT(entry(R"({"dtype":"F32","dtype":"F16"})"), HasSubstr("has \"dtype\" twice"));
  EXPECT_THAT(entry(R"({"dtype":"F32","strides":[2]})"), HasSubstr("unknown member \"strides\""));
  EXPECT_THAT(entry(R"({"dtype":["F32"]})"), HasSubstr("an array"));
  EXPECT_THAT(entry(R"({"shape":{"a":1}})"), HasSubstr("an object"));
  EXPECT_THAT(entry(R"({"data_offsets":[1]})"), HasSubstr("two numbers"));
  EXPECT_THAT(entry(R"({"data_offsets":[1,2,3]})"), HasSubstr("more than two"));
  EXPECT_THAT(ReadErrorOf(File(R"({"__metadata__":{"a":{}}})")), HasSubstr("an object"));
  EXPECT_THAT(ReadErrorOf(File("{\"" + std::string(2000, 'x') + "\":{}}")),
              HasSubstr("absurdly long"));
  std::string deep = R"({"w":{"shape":)" + std::string(100000, '[');
  EXPECT_NE(ReadErrorOf(File(deep)), "no error");
}

// Tensors with random names, shapes and bytes.
struct RandomTensors {
  explicit RandomTensors(std::uint64_t seed) {
    Rng rng(seed);
    for (std::uint64_t i = 0; i < 20; ++i) {
      const DType dtype =
          std::array{DType::kF32, DType::kF16, DType::kBf16, DType::kU8}[rng.Below(4)];
      TensorShape shape;
      for (std::uint64_t d = rng.Below(4); d > 0; --d) {
        shape.push_back(static_cast<std::int64_t>(rng.Below(6)));
      }
      auto& data =
          bytes.emplace_back(static_cast<std::size_t>(*ElementCount(shape)) * DTypeBytes(dtype));
      total += static_cast<std::int64_t>(data.size());
      for (std::byte& b : data) b = static_cast<std::byte>(rng());
      views.push_back({fmt::format("t{}.\"\\\u00e9{}", rng.Below(1000), i), dtype, shape, data});
    }
    for (const TensorView& view : views) sources.push_back(SourceOf(view));
  }
  std::int64_t total = 0;  ///< bytes
  std::vector<std::vector<std::byte>> bytes;
  std::vector<TensorView> views;
  std::vector<TensorSource> sources;
};

void ExpectSame(const TensorView& got, const TensorView& want) {
  EXPECT_EQ(got.dtype, want.dtype);
  EXPECT_EQ(got.shape, want.shape);
  EXPECT_TRUE(std::equal(got.bytes.begin(), got.bytes.end(), want.bytes.begin(), want.bytes.end()));
}

TEST(SafetensorsTest, WhatIsWrittenIsReadBackWhateverTheShards) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const testing::TempDirectory directory;
    const RandomTensors tensors(seed);
    for (const std::int64_t limit : {1LL, 100LL, 1LL << 30, 300LL}) {
      ASSERT_TRUE(WriteSafetensors(directory.path(), tensors.sources, {limit}).ok());
      const auto read = SafetensorsDirectory::Open(directory.path());
      ASSERT_TRUE(read.ok()) << read.error().message;
      ASSERT_EQ(read->tensors().size(), tensors.views.size());
      for (const TensorView& view : tensors.views) {
        const TensorView* found = read->Find(view.name);
        ASSERT_NE(found, nullptr);
        ExpectSame(*found, view);
      }
      EXPECT_EQ(read->Find("nothing"), nullptr);
      EXPECT_EQ(read->files().size() == 1, tensors.total <= limit);
      // Nothing of an earlier form and no temporary file is left.
      std::size_t files = 0;
      for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
        files += entry.is_regular_file() ? 1 : 0;
      }
      EXPECT_EQ(files, read->files().size() + (read->files().size() > 1 ? 1 : 0));
    }
  }
}

TEST(SafetensorsTest, TensorsBeginAtAMultipleOfEight) {
  const testing::TempDirectory directory;
  const auto path = directory.path() / "m.safetensors";
  for (std::size_t length = 1; length < 20; ++length) {
    const std::array<std::byte, 3> data{};
    const TensorView view{std::string(length, 'n'), DType::kU8, {3}, data};
    ASSERT_TRUE(WriteSafetensorsFile(path, std::array{SourceOf(view)}).ok());
    const std::string bytes = *ReadFile(path);
    EXPECT_EQ((bytes.size() - 3) % 8, 0U);
    EXPECT_THAT(bytes, HasSubstr(R"("__metadata__":{"format":"pt"})"));
  }
}

TEST(SafetensorsTest, AFailedWriteLeavesTheOldFile) {
  const testing::TempDirectory directory;
  const auto path = directory.path() / "m.safetensors";
  ASSERT_TRUE(WriteFileAtomic(path, "old").ok());
  const std::array<std::byte, 3> data{};
  TensorSource wrong = SourceOf({"w", DType::kF32, {3}, data});
  EXPECT_THAT(WriteSafetensorsFile(path, std::array{wrong}).error().message,
              HasSubstr("\"w\": 3 bytes were given"));
  wrong.bytes = []() -> Result<std::span<const std::byte>> { return IoError("gone"); };
  EXPECT_EQ(WriteSafetensorsFile(path, std::array{wrong}).error().message, "gone");
  const TensorSource right = SourceOf({"w", DType::kU8, {3}, data});
  EXPECT_THAT(WriteSafetensorsFile(path, std::array{right, right}).error().message,
              HasSubstr("comes twice"));
  EXPECT_EQ(*ReadFile(path), "old");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory.path()), {}), 1);
}

TEST(SafetensorsTest, ShardsMustBeWhatTheIndexSays) {
  const testing::TempDirectory directory;
  const auto error = [&](const std::string& map) {
    EXPECT_TRUE(WriteFileAtomic(directory.path() / "model.safetensors.index.json", map).ok());
    const auto read = SafetensorsDirectory::Open(directory.path());
    return read.ok() ? "no error" : read.error().message;
  };
  const std::array<std::byte, 4> data{};
  for (const char* name : {"a", "b"}) {
    const TensorView view{name, DType::kF32, {1}, data};
    ASSERT_TRUE(WriteSafetensorsFile(directory.path() / (std::string(name) + ".st"),
                                     std::array{SourceOf(view)})
                    .ok());
  }
  EXPECT_EQ(error(R"({"weight_map": {"a": "a.st", "b": "b.st"}})"), "no error");
  EXPECT_THAT(error(R"({"weight_map": {"a": "a.st", "b": "c.st"}})"), HasSubstr("c.st"));
  EXPECT_THAT(error(R"({"weight_map": {"a": "a.st", "b": "a.st"}})"),
              HasSubstr("lacks tensor \"b\""));
  EXPECT_THAT(error(R"({"weight_map": {"c": "a.st", "b": "b.st"}})"),
              HasSubstr("\"a\" is not in model.safetensors.index.json"));
  EXPECT_THAT(error(R"({"weight_map": {"a": "b.st", "b": "a.st"}})"), HasSubstr("puts into b.st"));
  EXPECT_THAT(error(R"({"weight_map": {"a": "../a.st"}})"), HasSubstr("no file name"));
  EXPECT_THAT(error(R"({"weight_map": {"a": 3}})"), HasSubstr("no file name"));
  EXPECT_THAT(error(R"({"weight_map": {}})"), HasSubstr("names 0 files"));
  EXPECT_THAT(error(R"({})"), HasSubstr("weight_map"));
  EXPECT_THAT(error("x"), HasSubstr("not valid JSON"));
}

// Resident pages of mapped files, in KiB.
std::int64_t ResidentFileKilobytes() {
  std::ifstream status("/proc/self/status");
  std::string word;
  std::int64_t value = 0;
  while (status >> word) {
    if (word == "RssFile:") {
      status >> value;
      return value;
    }
  }
  return 0;
}

TEST(SafetensorsTest, ReleasedPagesLeaveTheProcessAndCanBeReadAgain) {
  const testing::TempDirectory directory;
  const std::vector<std::byte> data(std::size_t{16} << 20, std::byte{7});
  const TensorView view{"w", DType::kU8, {std::int64_t{16} << 20}, data};
  ASSERT_TRUE(WriteSafetensors(directory.path(), std::array{SourceOf(view)}).ok());
  const auto read = SafetensorsDirectory::Open(directory.path());
  ASSERT_TRUE(read.ok());
  const auto bytes = read->tensors()[0].bytes;
  const auto sum = [&] {
    std::size_t total = 0;
    for (const std::byte b : bytes) total += static_cast<std::size_t>(b);
    return total;
  };
  WillRead(bytes);
  EXPECT_EQ(sum(), data.size() * 7);
  const std::int64_t before = ResidentFileKilobytes();
  ReleasePages(bytes);
  EXPECT_LT(ResidentFileKilobytes(), before - 15 * 1024);
  EXPECT_EQ(sum(), data.size() * 7);
  ReleasePages({});
  ReleasePages(bytes.first(1));
}

}  // namespace
}  // namespace arena
