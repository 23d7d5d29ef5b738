#include "text/train_sentencepiece.h"

#include <gmock/gmock.h>
#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>

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

/// A model as Llama 2's: the library's own settings, with a space put before text, and bytes for
/// what has no piece.
std::string LlamaLikeModel() {
  const TokenizerFolder folder;
  std::string corpus;
  for (const std::string& text : Corpus()) corpus += text + "\n";
  folder.Write("corpus.txt", corpus);
  std::string model;
  const auto status = sentencepiece::SentencePieceTrainer::Train(
      "--input=" + (folder.path() / "corpus.txt").string() +
          " --model_type=bpe --vocab_size=330 --byte_fallback=true --hard_vocab_limit=false"
          " --normalization_rule_name=identity --remove_extra_whitespaces=false --split_digits=true"
          " --allow_whitespace_only_pieces=true --num_threads=1 --minloglevel=2",
      nullptr, &model);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return model;
}

std::unique_ptr<Tokenizer> LlamaLike(const std::string& config) {
  const TokenizerFolder folder;
  folder.Write("tokenizer.model", LlamaLikeModel());
  folder.Write("tokenizer_config.json", config);
  auto tokenizer = LoadTokenizer(folder.path());
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.error().message;
  return std::move(*tokenizer);
}

std::vector<TokenId> ByTheLibrary(const sentencepiece::SentencePieceProcessor& library,
                                  const std::string& text) {
  std::vector<int> ids;
  EXPECT_TRUE(library.Encode(text, &ids).ok());
  return {ids.begin(), ids.end()};
}

TEST(SentencePieceTokenizerTest, AModelThatPutsASpaceBeforeTextEncodesAsItsLibraryDoes) {
  sentencepiece::SentencePieceProcessor library;
  ASSERT_TRUE(library.LoadFromSerializedProto(LlamaLikeModel()).ok());
  const auto tokenizer = LlamaLike("{}");
  EXPECT_TRUE(tokenizer->strips_leading_space());
  std::vector<std::string> texts = {
      "the river",     " the river", "  two",         "\n", "<s>", "日本 naïve\t1024",
      "émoji 🙂 x", "a\u2581b",   "stones.\nover", " "};
  for (const std::string& text : Corpus()) texts.push_back(text);
  for (const std::string& text : texts) {
    const std::vector<TokenId> ids = tokenizer->Encode(text);
    EXPECT_EQ(ids, ByTheLibrary(library, text)) << text;
    std::string decoded;
    EXPECT_TRUE(library.Decode(std::vector<int>(ids.begin(), ids.end()), &decoded).ok());
    EXPECT_EQ(tokenizer->Decode(ids, true), decoded) << text;
  }
  EXPECT_TRUE(tokenizer->Encode("").empty());
}

// Transformers' "legacy" encodes each text between special tokens as the library does, with a space
// before it; without it only the first.
TEST(SentencePieceTokenizerTest, TextAfterASpecialTokenHasASpaceBeforeItWhereTheModelIsLegacy) {
  sentencepiece::SentencePieceProcessor library;
  ASSERT_TRUE(library.LoadFromSerializedProto(LlamaLikeModel()).ok());
  const std::vector<TokenId> with_space = ByTheLibrary(library, "the river");
  ASSERT_EQ(library.IdToPiece(with_space[0]).substr(0, 3), "\u2581");
  for (const bool legacy : {true, false}) {
    const auto tokenizer = LlamaLike(legacy ? "{}" : R"({"legacy": false})");
    const auto ids = tokenizer->EncodePrompt(Trusted("the river</s>the river"));
    const std::size_t n = with_space.size();
    ASSERT_GT(ids.size(), n + 1);
    EXPECT_EQ(std::vector(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(n)), with_space);
    EXPECT_EQ(ids[n], *tokenizer->eos_id());
    const std::vector second(ids.begin() + static_cast<std::ptrdiff_t>(n) + 1, ids.end());
    EXPECT_EQ(second == with_space, legacy);
    std::string text;
    for (const TokenId id : second) text += tokenizer->TokenBytes(id);
    EXPECT_EQ(text, legacy ? " the river" : "the river");
  }
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
