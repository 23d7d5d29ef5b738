#include "chat/training_encoder.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "base/json.h"
#include "base/temporary_folder.h"
#include "checkpoint/config.h"
#include "checkpoint/new_model.h"
#include "text/byte_tokenizer.h"
#include "text/chat_template.h"

namespace arena {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr auto kSft = TrainingTask::kFineTuning;
constexpr auto kPreferences = TrainingTask::kPreferences;
constexpr auto kPrompts = TrainingTask::kPrompts;

Message User(std::string text) { return {Role::kUser, std::move(text)}; }
Message Assistant(std::string text) { return {Role::kAssistant, std::move(text)}; }

TrainingRow Row(Conversation turns) {
  TrainingRow row;
  row.answer.turns = std::move(turns);
  row.place = "f:1";
  return row;
}

TrainingRow Text(std::string text) {
  TrainingRow row = Row({Assistant(std::move(text))});
  row.is_plain = true;
  return row;
}

TrainingRow Pair(std::string prompt, std::string chosen, std::string rejected) {
  TrainingRow row = Row({Assistant(std::move(chosen))});
  row.prompt = {User(std::move(prompt))};
  row.rejected.turns = {Assistant(std::move(rejected))};
  return row;
}

/// A model's directory with a configuration and a byte tokenizer, but no weights.
class TrainingEncoderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    WriteConfig({2});
    ASSERT_TRUE(WriteByteTokenizer(folder_.path(), 300).ok());
  }

  void WriteConfig(std::vector<std::int64_t> eos) const {
    ModelConfig config = ShapeConfig(ModelShape::kMini, 300);
    config.eos_ids = std::move(eos);
    ASSERT_TRUE(SaveConfig(config, folder_.path()).ok());
  }
  void Write(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ / name) << content;
  }
  TrainingEncoder Load(const std::string& chat_template = {}, std::int64_t max_tokens = 0,
                       TooLong too_long = TooLong::kSkip) const {
    auto encoder = TrainingEncoder::Load({folder_.path(), chat_template, max_tokens, too_long});
    if (!encoder.ok()) throw std::runtime_error(encoder.error().message);
    return std::move(*encoder);
  }

  TemporaryFolder folder_;
};

/// The text of a sequence with what is learned in braces.
std::string Show(const TrainingEncoder& encoder, const EncodedSequence& sequence) {
  std::string text;
  bool is_open = false;
  for (std::size_t i = 0; i < sequence.tokens.size(); ++i) {
    const bool is_learned = sequence.loss[i] == 1;
    if (is_learned != is_open) text += is_learned ? "{" : "}";
    is_open = is_learned;
    const TokenId token = sequence.tokens[i];
    text += encoder.tokenizer().IsSpecial(token) ? encoder.tokenizer().TokenText(token)
                                                 : encoder.tokenizer().TokenBytes(token);
  }
  return text + (is_open ? "}" : "");
}

/// The one sequence of a row, or why there is none.
std::string Show(const TrainingEncoder& encoder, TrainingTask task, const TrainingRow& row,
                 std::size_t sequence = 0) {
  const auto encoded = encoder.Encode(task, row);
  if (!encoded.ok()) return encoded.error().message;
  if (encoded->left_out != LeftOut::kNot) return encoded->why;
  return Show(encoder, encoded->sequences.at(sequence));
}

TEST_F(TrainingEncoderTest, EveryTurnOfTheAssistantIsLearnedWithItsEnd) {
  const TrainingEncoder encoder = Load();
  EXPECT_EQ(Show(encoder, kSft,
                 Row({{Role::kSystem, "s"}, User("u"), Assistant("a"), User("v"), Assistant("b")})),
            "<|im_start|>system\ns<|im_end|>\n<|im_start|>user\nu<|im_end|>\n"
            "<|im_start|>assistant\n{a<|im_end|>}\n<|im_start|>user\nv<|im_end|>\n"
            "<|im_start|>assistant\n{b<|im_end|>}");
}

TEST_F(TrainingEncoderTest, WhatIsMaskedIsReadAndNotLearned) {
  const TrainingEncoder encoder = Load();
  TrainingRow row = Row({User("u"), Assistant("a"), User("v"), Assistant("b")});
  row.answer.masked = {1};
  EXPECT_EQ(Show(encoder, kSft, row),
            "<|im_start|>user\nu<|im_end|>\n<|im_start|>assistant\na<|im_end|>\n"
            "<|im_start|>user\nv<|im_end|>\n<|im_start|>assistant\n{b<|im_end|>}");
  // Nothing is behind the last token that is learned.
  row.answer.masked = {3};
  EXPECT_EQ(Show(encoder, kSft, row),
            "<|im_start|>user\nu<|im_end|>\n<|im_start|>assistant\n{a<|im_end|>}");
  row.answer.masked = {1, 3};
  const auto encoded = encoder.Encode(kSft, row);
  ASSERT_TRUE(encoded.ok());
  EXPECT_EQ(encoded->left_out, LeftOut::kMasked);
  EXPECT_THAT(encoded->sequences, IsEmpty());
  EXPECT_EQ(encoder.Encode(kSft, Row({User("u")}))->left_out, LeftOut::kMasked);
}

TEST_F(TrainingEncoderTest, AnswersWithinThePromptAreNotLearned) {
  TrainingRow row = Row({Assistant("b")});
  row.prompt = {User("u"), Assistant("a"), User("v")};
  EXPECT_EQ(Show(Load(), kSft, row),
            "<|im_start|>user\nu<|im_end|>\n<|im_start|>assistant\na<|im_end|>\n"
            "<|im_start|>user\nv<|im_end|>\n<|im_start|>assistant\n{b<|im_end|>}");
}

TEST_F(TrainingEncoderTest, TextThatLooksLikeASpecialTokenIsText) {
  const TrainingEncoder encoder = Load();
  const auto encoded = encoder.Encode(kSft, Row({User("<|im_end|>"), Assistant("<|im_end|>")}));
  ASSERT_TRUE(encoded.ok());
  const auto& sequence = encoded->sequences.at(0);
  EXPECT_EQ(std::count(sequence.tokens.begin(), sequence.tokens.end(), 2), 2);  // the template's
  EXPECT_EQ(std::count(sequence.loss.begin(), sequence.loss.end(), 1), 11);
  EXPECT_EQ(std::count(sequence.tokens.begin(), sequence.tokens.end(), 1), 2);
  const auto plain = encoder.Encode(kSft, Text("<|im_end|>"));
  EXPECT_EQ(plain->sequences.at(0).tokens.size(), 11U);
}

TEST_F(TrainingEncoderTest, PlainTextIsLearnedButForItsFirstToken) {
  const TrainingEncoder encoder = Load();
  EXPECT_EQ(Show(encoder, kSft, Text("abc")), "a{bc<|im_end|>}");
  TrainingRow cut = Text("abc");
  cut.answer.is_cut = true;
  EXPECT_EQ(Show(encoder, kSft, cut), "a{bc}");
  cut.answer.turns = {Assistant("a")};
  EXPECT_EQ(Show(encoder, kSft, cut), "nothing of it is to be learned");
}

TEST_F(TrainingEncoderTest, APreferenceIsTwoAnswersToOnePrompt) {
  const TrainingEncoder encoder = Load();
  TrainingRow row = Pair("u", "a", "b");
  const std::string prompt = "<|im_start|>user\nu<|im_end|>\n<|im_start|>assistant\n";
  EXPECT_EQ(Show(encoder, kPreferences, row, 0), prompt + "{a<|im_end|>}");
  EXPECT_EQ(Show(encoder, kPreferences, row, 1), prompt + "{b<|im_end|>}");
  row.rejected.is_cut = true;
  EXPECT_EQ(Show(encoder, kPreferences, row, 0), prompt + "{a<|im_end|>}");
  EXPECT_EQ(Show(encoder, kPreferences, row, 1), prompt + "{b}");
}

TEST_F(TrainingEncoderTest, APromptEndsWhereTheAssistantBegins) {
  const TrainingEncoder encoder = Load();
  TrainingRow row;
  row.prompt = {User("u")};
  const auto encoded = encoder.Encode(kPrompts, row);
  ASSERT_TRUE(encoded.ok());
  EXPECT_EQ(Show(encoder, encoded->sequences.at(0)),
            "<|im_start|>user\nu<|im_end|>\n<|im_start|>assistant\n");
  row.prompt = {User(" \n")};
  EXPECT_EQ(Show(encoder, kPrompts, row), "the prompt is empty");
}

TEST_F(TrainingEncoderTest, RowsThatTeachNothingAreLeftOut) {
  const TrainingEncoder encoder = Load();
  for (const char* empty : {"", " \n"}) {
    EXPECT_EQ(encoder.Encode(kSft, Row({User("u"), Assistant(empty)}))->left_out, LeftOut::kEmpty);
    EXPECT_EQ(encoder.Encode(kSft, Text(empty))->left_out, LeftOut::kEmpty);
    EXPECT_EQ(encoder.Encode(kPreferences, Pair("u", "a", empty))->left_out, LeftOut::kEmpty);
    EXPECT_EQ(encoder.Encode(kPreferences, Pair("u", empty, "a"))->left_out, LeftOut::kEmpty);
  }
  EXPECT_EQ(encoder.Encode(kPreferences, Pair("u", "a", "a"))->left_out, LeftOut::kIdentical);
}

TEST_F(TrainingEncoderTest, TooLongRowsAreSkippedCutOrErrors) {
  // 8 tokens of "<|im_start|>user\n...", and "assistant\n" with two specials and a line end.
  const TrainingRow row = Row({User("u"), Assistant("abcdef")});
  const std::size_t size = Load().Encode(kSft, row)->sequences.at(0).tokens.size();
  const auto limit = static_cast<std::int64_t>(size);
  EXPECT_EQ(Load({}, limit).Encode(kSft, row)->left_out, LeftOut::kNot);

  const auto skipped = Load({}, limit - 1).Encode(kSft, row);
  EXPECT_EQ(skipped->left_out, LeftOut::kTooLong);
  EXPECT_EQ(skipped->why, fmt::format("{} tokens, and at most {} are allowed", size, size - 1));
  const auto refused = Load({}, limit - 1, TooLong::kError).Encode(kSft, row);
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, StartsWith("f:1: "));

  const TrainingEncoder cutting = Load({}, limit - 3, TooLong::kCut);
  EXPECT_TRUE(cutting.Encode(kSft, row)->is_cut);
  EXPECT_THAT(Show(cutting, kSft, row), ::testing::EndsWith("assistant\n{abcd}"));
  // A prompt is never cut.
  EXPECT_EQ(Load({}, limit - 7, TooLong::kCut).Encode(kSft, row)->left_out, LeftOut::kTooLong);
  // What differs only behind the limit is the same.
  EXPECT_EQ(cutting.Encode(kPreferences, Pair("u", "abcdef", "abcdxy"))->left_out,
            LeftOut::kIdentical);

  TrainingRow prompt;
  prompt.prompt = {User("u")};
  const auto prompt_size =
      static_cast<std::int64_t>(Load().Encode(kPrompts, prompt)->sequences.at(0).tokens.size());
  EXPECT_EQ(Load({}, prompt_size + 1).Encode(kPrompts, prompt)->left_out, LeftOut::kNot);
  EXPECT_EQ(Load({}, prompt_size, TooLong::kCut).Encode(kPrompts, prompt)->left_out,
            LeftOut::kTooLong);
  EXPECT_EQ(Load().max_tokens(), 512);  // the model's context
  EXPECT_EQ(Load({}, 9999).max_tokens(), 512);
}

TEST_F(TrainingEncoderTest, WithoutATemplateTextsStandAsTheyAre) {
  const TrainingEncoder encoder = Load("none");
  EXPECT_EQ(Show(encoder, kPreferences, Pair("u", " a", " b"), 1), "u{ b<|im_end|>}");
  TrainingRow prompt;
  prompt.prompt = {User("u")};
  EXPECT_EQ(Show(encoder, kPrompts, prompt), "u");
  EXPECT_EQ(encoder.template_source(), "");
  EXPECT_EQ(Show(encoder, kSft, Row({User("u"), Assistant("a")})),
            "f:1: a conversation needs a chat template, and none is to be used");
}

/// What the model reads, as `arena generate` gives it to the model.
std::string Prompt(const TrainingEncoder& encoder, const std::string& name,
                   const Conversation& conversation) {
  const auto rendered = ChatTemplate::Named(name)->Render(conversation);
  EncodedSequence sequence;
  sequence.tokens = encoder.tokenizer().EncodePrompt(*rendered);
  sequence.loss.assign(sequence.tokens.size(), 0);
  return Show(encoder, sequence);
}

TEST_F(TrainingEncoderTest, EveryTemplateAsksAsItWillAndEndsAnAnswerOnce) {
  const Conversation asked = {User("u"), Assistant("a"), User("v")};
  Conversation answered = asked;
  answered.push_back(Assistant("b"));
  for (const std::string_view name : ChatTemplateNames()) {
    const TrainingEncoder encoder = Load(std::string(name));
    TrainingRow row = Row({Assistant("b")});
    row.prompt = asked;
    const std::string prompt = Prompt(encoder, std::string(name), asked);
    const std::string shown = Show(encoder, kSft, row);
    ASSERT_THAT(shown, StartsWith(prompt)) << name;
    // The byte tokenizer knows chatml's token only: elsewhere its own end of text is put.
    EXPECT_THAT(shown.substr(prompt.size()), ::testing::AnyOf("{b<|im_end|>}", "{ b<|im_end|>}"))
        << name;
    // The first answer is learned, too.
    EXPECT_THAT(Show(encoder, kSft, Row(answered)), HasSubstr("a")) << name;
  }
}

TEST_F(TrainingEncoderTest, WithoutAnEndTokenEarlierTurnsEndAsTheTemplateWritesThem) {
  EXPECT_EQ(Show(Load("plain"), kSft, Row({User("u"), Assistant("a"), User("v"), Assistant("b")})),
            "User: u\n\nAssistant:{ a\n\n}User: v\n\nAssistant:{ b<|im_end|>}");
}

TEST_F(TrainingEncoderTest, ATemplateThatRewritesEarlierTurnsIsAnError) {
  // It shows only the last message.
  Write("chat_template.jinja", "{{ messages[-1].content }}{{ eos_token }}");
  const TrainingEncoder encoder = Load();
  EXPECT_THAT(Show(encoder, kSft, Row({User("u"), Assistant("a")})),
              StartsWith("f:1: the chat template writes what comes before message 2 otherwise"));
  Write("chat_template.jinja", "{{ raise_exception('no') }}");
  EXPECT_THAT(Show(Load(), kSft, Row({User("u"), Assistant("a")})), StartsWith("f:1: "));
}

TEST_F(TrainingEncoderTest, TemplatesMayDropThePartOfEarlierTurns) {
  // As reasoning models do: thoughts stand in the last answer only, which the prompt opens.
  Write("chat_template.jinja",
        "{% for m in messages %}{{ '<' + m.role + '>' }}"
        "{% if m.role == 'assistant' and loop.last %}{{ 'think ' }}{% endif %}"
        "{{ m.content + eos_token }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<assistant>' }}{% endif %}");
  EXPECT_EQ(Show(Load(), kSft, Row({User("u"), Assistant("a"), User("v"), Assistant("b")})),
            "<user>u<|im_end|><assistant>{a<|im_end|>}<user>v<|im_end|><assistant>"
            "{think b<|im_end|>}");
}

TEST_F(TrainingEncoderTest, AnAnswerEndsWithTheSpecialTokenBehindIt) {
  // As the first template of Llama 3: it opens the assistant's turn whether it is asked to or not,
  // and ends turns with a token that the tokenizer does not call its end of text.
  Write("chat_template.jinja",
        "{% for m in messages %}{{ m.role + ':' + m.content + '<|im_start|>' }}{% endfor %}"
        "{{ 'assistant:' }}");
  const TrainingEncoder encoder = Load();
  EXPECT_EQ(Show(encoder, kSft, Row({User("u"), Assistant("a"), User("v"), Assistant("b")})),
            "user:u<|im_start|>assistant:{a<|im_start|>}user:v<|im_start|>"
            "assistant:{b<|im_start|>}");
  EXPECT_THAT(encoder.warnings(), ::testing::ElementsAre(HasSubstr("<|im_start|> (1), which")));
  // A special token before the text of an answer does not end it.
  Write("chat_template.jinja",
        "{% for m in messages %}{{ m.role + ':<|im_start|>' + m.content + '<|im_end|>' }}"
        "{% endfor %}{% if add_generation_prompt %}{{ 'assistant:' }}{% endif %}");
  EXPECT_EQ(Show(Load(), kSft, Row({User("u"), Assistant("a")})),
            "user:<|im_start|>u<|im_end|>assistant:{<|im_start|>a<|im_end|>}");
  // No end at all, and the turn's end depends on what follows.
  Write("chat_template.jinja",
        "{% for m in messages %}{{ m.role + ':' + m.content }}{% endfor %}{{ 'assistant:' }}");
  EXPECT_THAT(Show(Load(), kSft, Row({User("u"), Assistant("a"), User("v"), Assistant("b")})),
              StartsWith("f:1: there is no telling where the chat template ends message 2"));
}

/// Letters, with "ab" as one token and a space before text, as Llama 2's.
std::string LlamaTokenizer() {
  Json vocabulary = {{"<unk>", 0}, {"<s>", 1}, {"</s>", 2}, {"▁", 3}};
  for (char c = 'a'; c <= 'z'; ++c) vocabulary[std::string(1, c)] = vocabulary.size();
  for (const char* token : {"ab", "▁a", "▁b"}) vocabulary[token] = vocabulary.size();
  const auto special = [](int id, const char* content) {
    return Json{{"id", id}, {"content", content}, {"special", true}, {"normalized", false}};
  };
  return DumpJson(
      {{"added_tokens", Json::array({special(0, "<unk>"), special(1, "<s>"), special(2, "</s>")})},
       {"normalizer",
        {{"type", "Sequence"},
         {"normalizers",
          Json::array({{{"type", "Prepend"}, {"prepend", "▁"}},
                       {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "▁"}}})}}},
       {"pre_tokenizer", nullptr},
       {"decoder",
        {{"type", "Sequence"},
         {"decoders",
          Json::array({{{"type", "Replace"}, {"pattern", {{"String", "▁"}}}, {"content", " "}},
                       {{"type", "Fuse"}},
                       {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}}})}}},
       {"model",
        {{"type", "BPE"},
         {"unk_token", "<unk>"},
         {"vocab", vocabulary},
         {"merges", {"a b", "▁ a", "▁ b"}}}}});
}

TEST_F(TrainingEncoderTest, TokensPartBetweenPromptAndAnswer) {
  Write("tokenizer.json", LlamaTokenizer());
  Write("tokenizer_config.json",
        R"({"bos_token":"<s>","eos_token":"</s>","add_bos_token":true,"unk_token":"<unk>"})");
  Write("special_tokens_map.json", "{}");
  const auto show = [this](const std::string& prompt, const std::string& answer) {
    const TrainingEncoder encoder = Load("none");
    std::string text;
    const auto encoded = encoder.Encode(kPreferences, Pair(prompt, answer, "z"));
    if (!encoded.ok()) return encoded.error().message;
    const EncodedSequence& sequence = encoded->sequences.at(0);
    for (std::size_t i = 0; i < sequence.tokens.size(); ++i) {
      text += fmt::format("{}{} ", sequence.loss[i] == 1 ? "+" : "",
                          encoder.tokenizer().TokenText(sequence.tokens[i]));
    }
    return text;
  };
  // The answer's tokens are those of the whole text.
  EXPECT_EQ(show("x", " b"), "<s> ▁ x +▁b +</s> ");
  EXPECT_EQ(show("x", "ab"), "<s> ▁ x +ab +</s> ");
  // Unless one of them would reach into the prompt, which the model would read as it is alone. A
  // space that the tokenizer puts before text does not come on top of the answer's own.
  EXPECT_EQ(show("xa", "b c"), "<s> ▁ x a +▁b +▁ +c +</s> ");
  EXPECT_EQ(show("x ", "b"), "<s> ▁ x ▁ +▁b +</s> ");
}

TEST_F(TrainingEncoderTest, AModelWithoutAnEndOfTextIsAnError) {
  Write("tokenizer_config.json", R"({"bos_token":"<|endoftext|>"})");
  Write("special_tokens_map.json", "{}");
  WriteConfig({});
  EXPECT_THAT(Show(Load("none"), kSft, Text("abc")), HasSubstr("no token that ends a text"));
}

TEST_F(TrainingEncoderTest, FilesThatDoNotFitAreReported) {
  EXPECT_THAT(Load().warnings(), IsEmpty());
  WriteConfig({0});
  EXPECT_THAT(Load().warnings(),
              ::testing::ElementsAre(HasSubstr("<|im_end|> (2), which is not in")));
  ASSERT_TRUE(WriteByteTokenizer(folder_.path(), 301).ok());
  const auto encoder = TrainingEncoder::Load({.model = folder_.path()});
  ASSERT_FALSE(encoder.ok());
  EXPECT_THAT(encoder.error().message, HasSubstr("has 301 tokens and the model only 300"));
}

TEST_F(TrainingEncoderTest, TheVersionFollowsTheTemplate) {
  const std::string version = Load().version();
  EXPECT_EQ(Load().version(), version);
  EXPECT_NE(Load("plain").version(), version);
}

}  // namespace
}  // namespace arena
