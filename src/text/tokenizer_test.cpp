#include "text/tokenizer.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "base/json.h"
#include "base/rng.h"
#include "text/internal/test_tokenizers.h"

namespace arena {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A byte-level vocabulary of lower-case letters, the space ("Ġ") and a few merges.
Json SmallJson() {
  Json vocabulary = {{"<|end|>", 0}, {"<|user|>", 1}, {"<tool>", 2}};
  for (char c = 'a'; c <= 'z'; ++c) vocabulary[std::string(1, c)] = vocabulary.size();
  for (const char* token : {"Ġ", "<", "|", ">", "1", "2", "th", "the", "Ġthe", "Ġt", "er"}) {
    vocabulary[token] = vocabulary.size();
  }
  const auto added = [](int id, const char* content, bool special) {
    return Json{{"id", id}, {"content", content}, {"special", special}, {"normalized", false}};
  };
  return {{"added_tokens", Json::array({added(0, "<|end|>", true), added(1, "<|user|>", true),
                                        added(2, "<tool>", false)})},
          {"normalizer", nullptr},
          {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}}},
          {"decoder", {{"type", "ByteLevel"}}},
          {"model",
           {{"type", "BPE"},
            {"vocab", vocabulary},
            {"merges", {"t h", "th e", "e r", "Ġ t", "Ġ the"}}}}};
}

Result<std::unique_ptr<Tokenizer>> Load(const Json& json, const std::string& config = "{}") {
  const TokenizerFolder folder;
  folder.Write("tokenizer.json", DumpJson(json));
  folder.Write("tokenizer_config.json", config);
  return LoadTokenizer(folder.path());
}

std::unique_ptr<Tokenizer> MustLoad(const Json& json, const std::string& config = "{}") {
  auto tokenizer = Load(json, config);
  if (!tokenizer.ok()) throw std::runtime_error(tokenizer.error().message);  // fails the test
  return std::move(*tokenizer);
}

std::vector<std::string> Texts(const Tokenizer& tokenizer, const std::vector<TokenId>& ids) {
  std::vector<std::string> texts;
  for (const TokenId id : ids) texts.emplace_back(tokenizer.TokenText(id));
  return texts;
}

std::vector<std::string> Encoded(const Json& json, const std::string& text) {
  const auto tokenizer = MustLoad(json);
  return Texts(*tokenizer, tokenizer->Encode(text));
}

std::string ErrorOf(const Json& json, const std::string& config = "{}") {
  const auto tokenizer = Load(json, config);
  return tokenizer.ok() ? "no error" : tokenizer.error().message;
}

TEST(ByteLevelBpe, MergesByRankAndNotByLength) {
  // "ther": t+h, th+e come before e+r.
  EXPECT_THAT(Encoded(SmallJson(), "ther"), ElementsAre("the", "r"));
  EXPECT_THAT(Encoded(SmallJson(), "her the"), ElementsAre("h", "er", "Ġthe"));
  Json er_first = SmallJson();
  er_first["model"]["merges"] = {"e r", "t h", "th e"};
  EXPECT_THAT(Encoded(er_first, "ther"), ElementsAre("th", "er"));
}

TEST(ByteLevelBpe, MergesMayBePairs) {
  Json pairs = SmallJson();
  pairs["model"]["merges"] = Json::array({Json::array({"t", "h"}), Json::array({"th", "e"})});
  EXPECT_THAT(Encoded(pairs, "the"), ElementsAre("the"));
}

/// Merges as the definition says: the lowest rank, the leftmost of these, one at a time.
std::vector<std::string> SlowMerge(std::vector<std::string> symbols,
                                   const std::vector<std::pair<std::string, std::string>>& merges) {
  while (true) {
    bool merged = false;
    for (const auto& [left, right] : merges) {
      for (std::size_t i = 0; i + 1 < symbols.size() && !merged; ++i) {
        if (symbols[i] != left || symbols[i + 1] != right) continue;
        symbols[i] += right;
        symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(i) + 1);
        merged = true;
      }
      if (merged) break;
    }
    if (!merged) return symbols;
  }
}

TEST(ByteLevelBpe, AgreesWithTheDefinitionOnRandomMergesAndWords) {
  Rng rng(7);
  for (int round = 0; round < 30; ++round) {
    Json json = SmallJson();
    Json& vocabulary = json["model"]["vocab"];
    vocabulary = {{"a", 0}, {"b", 1}, {"c", 2}};
    json["added_tokens"] = Json::array();
    std::vector<std::string> tokens = {"a", "b", "c"};
    std::vector<std::pair<std::string, std::string>> merges;
    for (int i = 0; i < 25; ++i) {
      const std::string left = tokens[rng.Below(tokens.size())];
      const std::string right = tokens[rng.Below(tokens.size())];
      if (vocabulary.contains(left + right) || left.size() + right.size() > 9) continue;
      vocabulary[left + right] = vocabulary.size();
      tokens.push_back(left + right);
      merges.emplace_back(left, right);
    }
    json["model"]["merges"] = Json::array();
    for (const auto& [left, right] : merges) json["model"]["merges"].push_back(left + " " + right);
    const auto tokenizer = MustLoad(json);
    for (int word = 0; word < 60; ++word) {
      std::string text;
      std::vector<std::string> symbols;
      // Both sides of the length at which the algorithm changes.
      for (std::uint64_t n = 1 + rng.Below(word % 2 == 0 ? 20 : 120); n > 0; --n) {
        symbols.emplace_back(1, static_cast<char>('a' + rng.Below(3)));
        text += symbols.back();
      }
      ASSERT_EQ(Texts(*tokenizer, tokenizer->Encode(text)), SlowMerge(symbols, merges)) << text;
      ASSERT_EQ(tokenizer->Decode(tokenizer->Encode(text), false), text);
    }
  }
}

TEST(ByteLevelBpe, IgnoreMergesTakesAWholeTokenFirst) {
  Json json = SmallJson();
  json["model"]["vocab"]["xyz"] = 40;
  EXPECT_THAT(Encoded(json, "xyz"), ElementsAre("x", "y", "z"));
  json["model"]["ignore_merges"] = true;
  EXPECT_THAT(Encoded(json, "xyz"), ElementsAre("xyz"));
}

TEST(SpecialTokens, AreTextUnlessTheTemplateWroteThem) {
  const auto tokenizer = MustLoad(SmallJson());
  const std::string text = "<|end|>";
  EXPECT_THAT(Texts(*tokenizer, tokenizer->Encode(text)),
              ElementsAre("<", "|", "e", "n", "d", "|", ">"));
  EXPECT_THAT(tokenizer->EncodePrompt(Trusted(text)), ElementsAre(0));
  EXPECT_EQ(tokenizer->EncodePrompt({text, {}}), tokenizer->Encode(text));
  // Half in a trusted span is not in it.
  EXPECT_EQ(tokenizer->EncodePrompt({text, {{0, 3}}}), tokenizer->Encode(text));
  // Spans that touch are one.
  EXPECT_THAT(tokenizer->EncodePrompt({text, {{0, 3}, {3, 7}}}), ElementsAre(0));
  // A token made of template and user text is text.
  EXPECT_THAT(tokenizer->EncodePrompt({"<|user|><|end|>a<|end|>", {{0, 8}, {16, 23}}}),
              ElementsAre(1, 30, 31, 7, 16, 6, 31, 32, 3, 0));
}

TEST(SpecialTokens, AnAddedTokenThatIsNotSpecialIsFoundInPlainText) {
  EXPECT_THAT(Encoded(SmallJson(), "a<tool>b"), ElementsAre("a", "<tool>", "b"));
}

TEST(SpecialTokens, NeverComeOfMerges) {
  Json json = SmallJson();
  json["model"]["vocab"]["ab"] = 40;
  json["model"]["merges"].push_back("a b");
  json["added_tokens"].push_back({{"id", 40}, {"content", "ab"}, {"special", true}});
  EXPECT_THAT(Encoded(json, "ab"), ElementsAre("a", "b"));
}

TEST(AddedTokens, TakeWhiteSpaceAndRespectWords) {
  Json json = SmallJson();
  Json& tool = json["added_tokens"][2];
  tool["lstrip"] = tool["rstrip"] = true;
  EXPECT_THAT(Encoded(json, "a  <tool> b"), ElementsAre("a", "<tool>", "b"));
  tool["lstrip"] = tool["rstrip"] = false;
  tool["single_word"] = true;
  EXPECT_THAT(Encoded(json, "a<tool>")[1], "<");
  EXPECT_THAT(Encoded(json, " <tool>"), ElementsAre("Ġ", "<tool>"));
}

TEST(AddedTokens, TheLongestWins) {
  Json json = SmallJson();
  json["added_tokens"].push_back({{"id", 50}, {"content", "<tool>er"}, {"special", false}});
  EXPECT_THAT(Encoded(json, "<tool>er<tool>e"), ElementsAre("<tool>er", "<tool>", "e"));
}

TEST(Digits, AreSplitOneByOneOrTogether) {
  Json json = SmallJson();
  json["model"]["vocab"]["12"] = 40;
  json["model"]["merges"].push_back("1 2");
  const Json byte_level = json["pre_tokenizer"];
  const auto with_digits = [&](bool individual) {
    json["pre_tokenizer"] = {
        {"type", "Sequence"},
        {"pretokenizers", {{{"type", "Digits"}, {"individual_digits", individual}}, byte_level}}};
    return Encoded(json, "a12b");
  };
  EXPECT_THAT(with_digits(false), ElementsAre("a", "12", "b"));
  EXPECT_THAT(with_digits(true), ElementsAre("a", "1", "2", "b"));
}

TEST(Split, BehavioursAreTheReferences) {
  // "the-final--countdown" of the reference's own documentation, with x for '-'.
  Json json = SmallJson();
  json["model"]["ignore_merges"] = true;
  const auto pieces = [&](const char* behavior, bool invert) {
    Json vocabulary = json["model"]["vocab"];
    int id = 100;
    for (const char* token :
         {"aa", "xbb", "aax", "bbx", "bb", "xx", "cc", "xcc", "bbxx", "aaxbb"}) {
      vocabulary[token] = id++;
    }
    Json changed = json;
    changed["model"]["vocab"] = vocabulary;
    changed["pre_tokenizer"] = {
        {"type", "Sequence"},
        {"pretokenizers",
         {{{"type", "Split"},
           {"pattern", {{"String", "x"}}},
           {"behavior", behavior},
           {"invert", invert}},
          {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}}}}};
    return Encoded(changed, "aaxbbxxcc");
  };
  EXPECT_THAT(pieces("Isolated", false), ElementsAre("aa", "x", "bb", "x", "x", "cc"));
  EXPECT_THAT(pieces("Removed", false), ElementsAre("aa", "bb", "cc"));
  EXPECT_THAT(pieces("Removed", true), ElementsAre("x", "x", "x"));
  EXPECT_THAT(pieces("MergedWithPrevious", false), ElementsAre("aax", "bbx", "x", "cc"));
  EXPECT_THAT(pieces("MergedWithNext", false), ElementsAre("aa", "xbb", "x", "xcc"));
  EXPECT_THAT(pieces("Contiguous", false), ElementsAre("aa", "x", "bb", "xx", "cc"));
}

TEST(Metaspace, WritesSpacesAsTheLowLineBlock) {
  Json json = {
      {"added_tokens", Json::array()},
      {"pre_tokenizer",
       {{"type", "Metaspace"}, {"replacement", "▁"}, {"prepend_scheme", "always"}}},
      {"decoder",
       {{"type", "Sequence"},
        {"decoders",
         {{{"type", "ByteFallback"}},
          {{"type", "Metaspace"}, {"replacement", "▁"}, {"prepend_scheme", "always"}}}}}},
      {"model",
       {{"type", "BPE"},
        {"unk_token", "<unk>"},
        {"byte_fallback", true},
        {"vocab", {{"<unk>", 0}, {"▁", 1}, {"a", 2}, {"▁a", 3}, {"<0xC3>", 4}, {"<0xA9>", 5}}},
        {"merges", {"▁ a"}}}}};
  EXPECT_THAT(Encoded(json, "a a"), ElementsAre("▁a", "▁a"));
  EXPECT_THAT(Encoded(json, "é"), ElementsAre("▁", "<0xC3>", "<0xA9>"));
  EXPECT_THAT(Encoded(json, "z"), ElementsAre("▁", "<unk>"));
  const auto tokenizer = MustLoad(json);
  EXPECT_EQ(tokenizer->Decode(tokenizer->Encode("a é a"), false), "a é a");
  EXPECT_EQ(tokenizer->Vocabulary().kind, TokenizerKind::kSentencePieceBpe);
  EXPECT_EQ(tokenizer->Vocabulary().types[4], TokenType::kByte);
}

TEST(Normalizers, AreAppliedInOrder) {
  Json json = SmallJson();
  json["normalizer"] = {
      {"type", "Sequence"},
      {"normalizers",
       {{{"type", "Lowercase"}},
        {{"type", "Replace"}, {"pattern", {{"String", "zz"}}}, {"content", "h"}},
        {{"type", "Replace"}, {"pattern", {{"Regex", "[0-9]+"}}}, {"content", "e"}},
        {{"type", "Prepend"}, {"prepend", "a"}}}}};
  EXPECT_THAT(Encoded(json, "TZZ77"), ElementsAre("a", "the"));
  EXPECT_THAT(Encoded(json, ""), IsEmpty());
}

TEST(Vocabulary, IsGivenForExport) {
  Json json = SmallJson();
  json["added_tokens"].push_back({{"id", 45}, {"content", "<|far|>"}, {"special", true}});
  const auto tokenizer =
      MustLoad(json, R"({"bos_token": "<|user|>", "eos_token": {"content": "<|end|>"}})");
  const VocabularyView view = tokenizer->Vocabulary();
  EXPECT_EQ(view.kind, TokenizerKind::kByteLevelBpe);
  EXPECT_EQ(view.pre_tokenizer, "gpt-2");
  ASSERT_EQ(view.tokens.size(), 46U);
  EXPECT_EQ(view.tokens[44], "[PAD44]");
  EXPECT_EQ(view.types[44], TokenType::kUnused);
  EXPECT_EQ(view.types[0], TokenType::kControl);
  EXPECT_EQ(view.types[2], TokenType::kUserDefined);
  EXPECT_THAT(view.merges, ElementsAre("t h", "th e", "e r", "Ġ t", "Ġ the"));
  EXPECT_EQ(tokenizer->bos_id(), 1);
  EXPECT_EQ(tokenizer->eos_id(), 0);
  EXPECT_FALSE(tokenizer->add_bos());
  EXPECT_EQ(tokenizer->Decode(std::vector<TokenId>{0, 36, 99, -1}, true), "the");
  EXPECT_EQ(tokenizer->Decode(std::vector<TokenId>{0, 36}, false), "<|end|>the");
}

TEST(PostProcessor, TellsOfBos) {
  Json json = SmallJson();
  json["post_processor"] = {
      {"type", "TemplateProcessing"},
      {"single", {{{"SpecialToken", {{"id", "<|user|>"}}}}, {{"Sequence", {{"id", "A"}}}}}}};
  const auto tokenizer = MustLoad(json);
  EXPECT_EQ(tokenizer->bos_id(), 1);
  EXPECT_TRUE(tokenizer->add_bos());
  EXPECT_FALSE(tokenizer->add_eos());
}

TEST(BadFiles, AreNamedWithWhatIsWrong) {
  const auto with = [](const char* part, Json value) {
    Json json = SmallJson();
    json[part] = std::move(value);
    return ErrorOf(json);
  };
  const auto with_model = [](const char* part, Json value) {
    Json json = SmallJson();
    json["model"][part] = std::move(value);
    return ErrorOf(json);
  };
  EXPECT_THAT(with("model", {{"type", "Unigram"}, {"vocab", Json::array()}}),
              HasSubstr("tokenizer.json: model \"Unigram\" is not supported"));
  EXPECT_THAT(with("normalizer", {{"type", "Nmt"}}), HasSubstr("normalizer \"Nmt\""));
  EXPECT_THAT(with("pre_tokenizer", {{"type", "Whitespace"}}), HasSubstr("\"Whitespace\""));
  EXPECT_THAT(with("decoder", {{"type", "WordPiece"}}), HasSubstr("decoder \"WordPiece\""));
  EXPECT_THAT(with("post_processor", {{"type", "Odd"}}), HasSubstr("post_processor \"Odd\""));
  EXPECT_THAT(with_model("merges", {"t h", "q q"}), HasSubstr("merge 1 (\"q\" \"q\")"));
  EXPECT_THAT(with_model("merges", Json::array({"nospace"})),
              HasSubstr("merge 0 is not two tokens"));
  EXPECT_THAT(with_model("vocab", {{"a", 4000000000}}), HasSubstr("id of \"a\""));
  EXPECT_THAT(with_model("vocab", {{"a", 16000000}}), HasSubstr("id of \"a\""));
  EXPECT_THAT(with_model("vocab", {{"a", 1}, {"b", 1}}), HasSubstr("same id 1"));
  EXPECT_THAT(with_model("unk_token", "<none>"), HasSubstr("unk_token \"<none>\""));
  EXPECT_THAT(with_model("dropout", 0.1), HasSubstr("dropout"));
  EXPECT_THAT(ErrorOf(SmallJson(), R"({"bos_token": "<none>"})"),
              HasSubstr("bos_token \"<none>\""));
  EXPECT_THAT(ErrorOf(SmallJson(), "{"), HasSubstr("tokenizer_config.json: not valid JSON"));
  EXPECT_THAT(with("pre_tokenizer",
                   {{"type", "Split"}, {"pattern", {{"Regex", "(a"}}}, {"behavior", "Isolated"}}),
              HasSubstr("the pattern (a of pre_tokenizer"));
  Json stolen = SmallJson();
  stolen["added_tokens"].push_back({{"id", 4}, {"content", "<new>"}});
  EXPECT_THAT(ErrorOf(stolen), HasSubstr("\"<new>\" has the id 4 of another token"));
  const TokenizerFolder empty;
  const auto none = LoadTokenizer(empty.path());
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code, ErrorCode::kNotFound);
  empty.Write("tokenizer.json", "{\"model\": ");
  EXPECT_THAT(LoadTokenizer(empty.path()).error().message, HasSubstr("not valid JSON"));
}

}  // namespace
}  // namespace arena
