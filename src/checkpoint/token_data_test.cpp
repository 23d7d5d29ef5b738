#include "checkpoint/token_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <limits>
#include <string>

#include "base/temporary_folder.h"
#include "checkpoint/safetensors.h"

namespace arena {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Two conversations of 3 and 4 tokens.
TokenData Conversations() {
  TokenData data;
  data.tokens = {5, 6, 2, 5, 7, 8, 2};
  data.ends = {3, 7};
  data.loss = {0, 1, 1, 0, 0, 1, 1};
  data.rows = {1, 4};
  return data;
}

// Two preferences: prompts [5] and [5, 7].
TokenData Preferences() {
  TokenData data;
  data.tokens = {5, 6, 2, 5, 9, 5, 7, 8, 5, 7, 9, 2};
  data.ends = {3, 5, 8, 12};
  data.loss = {0, 1, 1, 0, 1, 0, 0, 1, 0, 0, 1, 1};
  data.rows = {3, 8};
  data.margins = {0, 1.5F};
  return data;
}

template <typename T>
TensorSource Source(const std::string& name, DType dtype, std::span<const T> values) {
  return SourceOf({name, dtype, {static_cast<std::int64_t>(values.size())}, std::as_bytes(values)});
}

std::string ErrorOf(const Status& status) {
  return status.ok() ? "no error" : status.error().message;
}

TEST(TokenDataTest, SequencesAreRangesOfTheTokens) {
  const TokenData data = Conversations();
  EXPECT_EQ(data.sequences(), 2U);
  EXPECT_EQ(data.examples(), 2U);
  EXPECT_FALSE(data.has_pairs());
  EXPECT_THAT(data.Sequence(0), ElementsAre(5, 6, 2));
  EXPECT_THAT(data.Sequence(1), ElementsAre(5, 7, 8, 2));
  EXPECT_THAT(data.Loss(0), ElementsAre(0, 1, 1));
  EXPECT_THAT(data.Loss(1), ElementsAre(0, 0, 1, 1));
}

TEST(TokenDataTest, ReadsWhatItWrote) {
  const TemporaryFolder folder;
  for (const TokenData& data : {Conversations(), Preferences()}) {
    const std::string path = folder / "data.safetensors";
    ASSERT_TRUE(WriteTokenData(data, path).ok());
    const auto read = ReadTokenData(path);
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_EQ(read->tokens, data.tokens);
    EXPECT_EQ(read->ends, data.ends);
    EXPECT_EQ(read->loss, data.loss);
    EXPECT_EQ(read->rows, data.rows);
    EXPECT_EQ(read->margins, data.margins);
    EXPECT_EQ(read->has_pairs(), !data.margins.empty());
  }
}

TEST(TokenDataTest, PromptsHaveNothingToLearn) {
  TokenData data = Conversations();
  data.loss.assign(data.tokens.size(), 0);
  EXPECT_EQ(ErrorOf(CheckTokenData(data)), "no error");
}

TEST(TokenDataTest, DataThatDoNotFitTogetherAreErrors) {
  const auto error = [](TokenData data, const std::function<void(TokenData&)>& change) {
    change(data);
    return ErrorOf(CheckTokenData(data));
  };
  const auto single = [&](const auto& change) { return error(Conversations(), change); };
  const auto pairs = [&](const auto& change) { return error(Preferences(), change); };
  EXPECT_EQ(single([](TokenData&) {}), "no error");
  EXPECT_EQ(pairs([](TokenData&) {}), "no error");

  EXPECT_THAT(single([](TokenData& d) { d = {}; }), HasSubstr("no sequences"));
  EXPECT_THAT(single([](TokenData& d) { d.loss.pop_back(); }),
              HasSubstr("7 tokens and 6 marks of loss"));
  EXPECT_THAT(single([](TokenData& d) { d.rows.pop_back(); }), HasSubstr("2 sequences, 1 rows"));
  EXPECT_THAT(single([](TokenData& d) {
                d.ends = {3, 3};
              }),
              HasSubstr("sequence 1 (row 4) ends at 3, not behind 3"));
  EXPECT_THAT(single([](TokenData& d) { d.ends = {4, 3}; }), HasSubstr("ends at 3, not behind 4"));
  EXPECT_THAT(single([](TokenData& d) { d.ends = {0, 7}; }), HasSubstr("ends at 0, not behind 0"));
  EXPECT_THAT(single([](TokenData& d) {
                d.ends = {3, 6};
              }),
              HasSubstr("ends at 6, and there are 7 tokens"));
  EXPECT_THAT(single([](TokenData& d) {
                d.ends = {3, 8};
              }),
              HasSubstr("ends at 8, and there are 7 tokens"));
  EXPECT_THAT(single([](TokenData& d) { d.tokens[4] = -1; }), HasSubstr("negative token id"));
  EXPECT_THAT(single([](TokenData& d) { d.loss[4] = 2; }), HasSubstr("other than 0 and 1"));
  EXPECT_THAT(single([](TokenData& d) { d.loss[3] = 1; }),
              HasSubstr("sequence 1 (row 4) learns its first token"));

  EXPECT_THAT(pairs([](TokenData& d) { d.margins.pop_back(); }),
              HasSubstr("4 sequences, 2 rows and 1 margins"));
  EXPECT_THAT(pairs([](TokenData& d) { d.ends = {3, 5, 12}; }), HasSubstr("number 3 is odd"));
  EXPECT_THAT(pairs([](TokenData& d) { d.loss[4] = 0; }),
              HasSubstr("sequence 1 (row 3) has no token to be learned"));
  EXPECT_THAT(pairs([](TokenData& d) { d.tokens[9] = 6; }),
              HasSubstr("sequence 3 (row 8) has another prompt"));
  EXPECT_THAT(pairs([](TokenData& d) { d.loss[9] = 1; }), HasSubstr("has another prompt"));
  EXPECT_THAT(pairs([](TokenData& d) { d.margins[1] = std::numeric_limits<float>::quiet_NaN(); }),
              HasSubstr("sequence 2 (row 8) has a margin that is no number"));
}

TEST(TokenDataTest, FilesOfOtherTensorsAreErrors) {
  const TemporaryFolder folder;
  const std::string path = folder / "data.safetensors";
  const TokenData data = Conversations();
  const std::vector<std::int64_t> wide(data.tokens.begin(), data.tokens.end());
  const auto tokens = Source<std::int32_t>("tokens", DType::kI32, data.tokens);
  const auto ends = Source<std::int64_t>("ends", DType::kI64, data.ends);
  const auto loss = Source<std::uint8_t>("loss", DType::kU8, data.loss);
  const auto rows = Source<std::int64_t>("rows", DType::kI64, data.rows);
  const auto error = [&](std::span<const TensorSource> tensors) {
    EXPECT_TRUE(WriteSafetensorsFile(path, tensors).ok());
    const auto read = ReadTokenData(path);
    return read.ok() ? "no error" : read.error().message;
  };
  EXPECT_EQ(error(std::array{rows, loss, ends, tokens}), "no error");
  EXPECT_EQ(error(std::array{tokens, ends, loss}), path + ": there is no tensor \"rows\"");
  EXPECT_EQ(error(std::array{tokens, ends, loss, rows,
                             Source<std::int64_t>("attention", DType::kI64, data.rows)}),
            path + ": there are tensors besides tokens, ends, loss, rows and margins");
  EXPECT_THAT(
      error(std::array{Source<std::int64_t>("tokens", DType::kI64, wide), ends, loss, rows}),
      HasSubstr("tensor \"tokens\" should be I32 of one dimension, not I64 of [7]"));
  TensorSource square = ends;
  square.spec.shape = {1, 2};
  EXPECT_THAT(error(std::array{tokens, square, loss, rows}),
              HasSubstr("tensor \"ends\" should be I64 of one dimension, not I64 of [1, 2]"));
  const std::vector<std::int64_t> descending = {7, 3};
  EXPECT_THAT(
      error(std::array{tokens, Source<std::int64_t>("ends", DType::kI64, descending), loss, rows}),
      HasSubstr(path + ": sequence 1 (row 4) ends at 3"));
  EXPECT_FALSE(ReadTokenData(folder / "absent.safetensors").ok());
}

TEST(TokenDataTest, WhatIsWrongIsNotWritten) {
  const TemporaryFolder folder;
  TokenData data = Conversations();
  data.loss[0] = 1;
  const std::string path = folder / "data.safetensors";
  EXPECT_THAT(ErrorOf(WriteTokenData(data, path)), HasSubstr(path + ": sequence 0 (row 1)"));
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace arena
