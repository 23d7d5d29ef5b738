#include "text/byte_tokenizer.h"

#include <gmock/gmock.h>

#include "base/rng.h"
#include "text/internal/test_tokenizers.h"
#include "text/streaming_detokenizer.h"

namespace arena {
namespace {

std::unique_ptr<Tokenizer> ByteTokenizer(std::size_t size) {
  const TokenizerFolder folder;
  EXPECT_TRUE(WriteByteTokenizer(folder.path(), size).ok());
  auto tokenizer = LoadTokenizer(folder.path());
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.error().message;
  return std::move(*tokenizer);
}

TEST(ByteTokenizerTest, GivesEachByteItsToken) {
  const auto tokenizer = ByteTokenizer(kSmallestByteVocabulary);
  EXPECT_EQ(tokenizer->vocabulary_size(), kSmallestByteVocabulary);
  const std::string text = AllBytes();
  const auto ids = tokenizer->Encode(text);
  ASSERT_EQ(ids.size(), text.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    EXPECT_EQ(ids[i], 3 + static_cast<unsigned char>(text[i]));
  }
  EXPECT_EQ(tokenizer->Decode(ids, true), text);
  EXPECT_EQ(tokenizer->bos_id(), 0);
  EXPECT_EQ(tokenizer->eos_id(), 2);
  EXPECT_THAT(tokenizer->EncodePrompt(Trusted("<|im_start|>a")),
              ::testing::ElementsAre(1, 3 + 'a'));
}

TEST(ByteTokenizerTest, FillsUpToTheModelsSize) {
  const auto tokenizer = ByteTokenizer(49152);
  EXPECT_EQ(tokenizer->vocabulary_size(), 49152U);
  EXPECT_THAT(tokenizer->Encode("<|filler_300|>"), ::testing::Each(::testing::Lt(259)));
  EXPECT_FALSE(WriteByteTokenizer(std::filesystem::temp_directory_path(), 258).ok());
}

TEST(StreamingDetokenizerTest, GivesWholeCharactersOnly) {
  const auto tokenizer = ByteTokenizer(kSmallestByteVocabulary);
  StreamingDetokenizer stream(*tokenizer, true);
  const auto add = [&](int byte) { return stream.Add(3 + byte); };
  EXPECT_EQ(add('a'), "a");
  EXPECT_EQ(add(0xF0), "");
  EXPECT_EQ(add(0x9F), "");
  EXPECT_EQ(add(0x98), "");
  EXPECT_EQ(add(0x80), "\xF0\x9F\x98\x80");
  EXPECT_EQ(stream.Add(2), "") << "special tokens are skipped";
  EXPECT_EQ(add(0xE2), "");
  EXPECT_EQ(add('b'),
            "\uFFFD"
            "b");
  EXPECT_EQ(add(0xFF), "\uFFFD");
  EXPECT_EQ(add(0xED), "");
  EXPECT_EQ(add(0xA0), "\uFFFD\uFFFD") << "a surrogate is no character";
  EXPECT_EQ(add(0xC3), "");
  EXPECT_EQ(stream.Finish(), "\uFFFD");
}

TEST(StreamingDetokenizerTest, ValidTextIsGivenOutUnchanged) {
  const auto tokenizer = ByteTokenizer(kSmallestByteVocabulary);
  const std::string alphabet[] = {"a",         " ", "é", "日", "😀", "\u0301", std::string(1, '\0'),
                                  "\U0010FFFF"};
  Rng rng(3);
  for (int round = 0; round < 200; ++round) {
    std::string text, streamed;
    for (std::uint64_t n = rng.Below(30); n > 0; --n)
      text += alphabet[rng.Below(std::size(alphabet))];
    StreamingDetokenizer stream(*tokenizer, false);
    for (const TokenId id : tokenizer->Encode(text)) streamed += stream.Add(id);
    EXPECT_EQ(streamed, text);
    EXPECT_EQ(stream.Finish(), "");
  }
}

}  // namespace
}  // namespace arena
