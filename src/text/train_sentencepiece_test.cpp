#include "text/train_sentencepiece.h"

#include <gmock/gmock.h>

#include "base/rng.h"
#include "text/internal/test_tokenizers.h"
#include "text/streaming_detokenizer.h"

namespace arena {
namespace {

std::vector<std::string> Corpus() {
  std::vector<std::string> texts;
  const std::string words[] = {"the", "river", "runs", "over", "stones", "1024", "naïve", "日本"};
  Rng rng(11);
  for (int i = 0; i < 200; ++i) {
    std::string text;
    for (int n = 0; n < 12; ++n)
      text += words[rng.Below(std::size(words))] + (n % 5 == 4 ? ".\n" : " ");
    texts.push_back(text);
  }
  return texts;
}

/// Trains and loads; `config` becomes tokenizer_config.json.
std::unique_ptr<Tokenizer> Trained(const SentencePieceOptions& options,
                                   const std::string& config = "{}") {
  const TokenizerFolder folder;
  const Status trained = TrainSentencePiece(options, Corpus(), folder.path() / "tokenizer.model");
  EXPECT_TRUE(trained.ok()) << trained.error().message;
  folder.Write("tokenizer_config.json", config);
  auto tokenizer = LoadTokenizer(folder.path());
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.error().message;
  return std::move(*tokenizer);
}

TEST(TrainSentencePieceTest, EveryByteStringComesBack) {
  for (const bool unigram : {false, true}) {
    const auto tokenizer = Trained({.vocabulary_size = 330, .unigram = unigram});
    EXPECT_LE(tokenizer->vocabulary_size(), 330U);
    const std::string texts[] = {
        AllBytes(),          " the  river ",    "a\u2581b", "\n\n", "<s></s><|im_start|>",
        std::string(5, ' '), "日本 naïve\t1024"};
    for (const std::string& text : texts) {
      const auto ids = tokenizer->Encode(text);
      EXPECT_EQ(tokenizer->Decode(ids, true), text);
      StreamingDetokenizer stream(*tokenizer, true);
      std::string streamed;
      for (const TokenId id : ids) streamed += stream.Add(id);
      streamed += stream.Finish();
      const bool is_utf8 = &text != &texts[0];  // other bytes are streamed as U+FFFD
      EXPECT_EQ(streamed == text, is_utf8) << streamed;
    }
    EXPECT_LT(tokenizer->Encode("the river runs").size(), 12U) << "words were learnt";
  }
}

TEST(TrainSentencePieceTest, SpecialsAreFoundInTrustedSpansOnly) {
  const auto tokenizer = Trained({.vocabulary_size = 330});
  const auto start = tokenizer->Find("<|im_start|>");
  ASSERT_TRUE(start.has_value());
  EXPECT_TRUE(tokenizer->IsSpecial(*start));
  EXPECT_THAT(tokenizer->Encode("<|im_start|>"), ::testing::Not(::testing::Contains(*start)));
  EXPECT_THAT(tokenizer->EncodePrompt(Trusted("<|im_start|><s>")),
              ::testing::ElementsAre(*start, *tokenizer->bos_id()));
  EXPECT_EQ(tokenizer->bos_id(), 1);
  EXPECT_EQ(tokenizer->eos_id(), 2);
  EXPECT_EQ(tokenizer->unk_id(), 0);
  EXPECT_EQ(tokenizer->Vocabulary().kind, TokenizerKind::kSentencePieceBpe);
}

TEST(TrainSentencePieceTest, TheSameInputGivesTheSameFile) {
  const TokenizerFolder folder;
  ASSERT_TRUE(TrainSentencePiece({.vocabulary_size = 320}, Corpus(), folder.path() / "a").ok());
  ASSERT_TRUE(TrainSentencePiece({.vocabulary_size = 320}, Corpus(), folder.path() / "b").ok());
  EXPECT_EQ(*ReadFile(folder.path() / "a"), *ReadFile(folder.path() / "b"));
}

TEST(TrainSentencePieceTest, RefusesWhatCannotBeTrained) {
  const TokenizerFolder folder;
  const auto path = folder.path() / "m";
  const std::vector<std::string> empty = {"", "\n"};
  EXPECT_FALSE(TrainSentencePiece({}, empty, path).ok());
  EXPECT_FALSE(TrainSentencePiece({.vocabulary_size = 299}, Corpus(), path).ok());
  EXPECT_FALSE(TrainSentencePiece({.control = {"a,b"}}, Corpus(), path).ok());
}

TEST(SentencePieceTokenizerTest, TokensOfTheConfigurationAreAdded) {
  const auto tokenizer = Trained({.vocabulary_size = 330}, R"({"added_tokens_decoder":
      {"400": {"content": "<|tool|>", "special": true}, "401": {"content": "<plain>"}}, "eos_token": "<|tool|>"})");
  EXPECT_EQ(tokenizer->vocabulary_size(), 402U);
  EXPECT_EQ(tokenizer->eos_id(), 400);
  EXPECT_THAT(tokenizer->Encode("<plain>"), ::testing::ElementsAre(401));
  EXPECT_THAT(tokenizer->EncodePrompt(Trusted("<|tool|>")), ::testing::ElementsAre(400));
  EXPECT_EQ(tokenizer->Vocabulary().types[399], TokenType::kUnused);
}

TEST(SentencePieceTokenizerTest, RefusesWhatIsNoModel) {
  const TokenizerFolder folder;
  folder.Write("tokenizer.model", "no model at all");
  const auto tokenizer = LoadTokenizer(folder.path());
  ASSERT_FALSE(tokenizer.ok());
  EXPECT_THAT(tokenizer.error().message,
              ::testing::HasSubstr("tokenizer.model: not a SentencePiece"));
}

}  // namespace
}  // namespace arena
