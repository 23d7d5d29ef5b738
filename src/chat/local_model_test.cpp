// With the real arena-lm beside this program.
#include "chat/local_model.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <future>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "chat/local_testing.h"
#include "chat/training_encoder.h"

namespace arena {
namespace {

using ::testing::HasSubstr;

class LocalModelTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TemporaryFolder>();
    testing::WriteSmallModel(*folder_ / "model");
    model_ = testing::MustLoad(testing::SmallOptions(*folder_ / "model"));
  }
  static void TearDownTestSuite() {
    model_.reset();
    folder_.reset();
  }

  static ChatRequest Request(const std::string& text, std::int64_t tokens = 40) {
    ChatRequest request;
    request.conversation = {{Role::kUser, text}};
    request.max_new_tokens = tokens;
    request.sampling.temperature = 1;
    request.sampling.seed = 11;
    return request;
  }
  static ChatReply Ask(const ChatRequest& request) {
    auto reply = model_->AskAndWait(request);
    EXPECT_TRUE(reply.ok()) << reply.error().message;
    return reply.value_or(ChatReply());
  }
  /// The reply, and what was streamed on the way.
  static std::pair<ChatReply, std::vector<std::string>> Stream(const ChatRequest& request) {
    std::vector<std::string> pieces;  // the worker's thread writes, and is done before the reply
    std::promise<Result<ChatReply>> done;
    const auto asked = model_->Ask(
        request, [&](Result<ChatReply> reply) { done.set_value(std::move(reply)); },
        [&](std::string_view text, std::span<const ReplyToken>) { pieces.emplace_back(text); });
    EXPECT_TRUE(asked.ok()) << asked.error().message;
    auto reply = done.get_future().get();
    EXPECT_TRUE(reply.ok()) << reply.error().message;
    return {reply.value_or(ChatReply()), pieces};
  }
  static std::string Joined(const std::vector<std::string>& pieces) {
    std::string text;
    for (const std::string& piece : pieces) text += piece;
    return text;
  }

  static inline std::unique_ptr<TemporaryFolder> folder_;
  static inline std::unique_ptr<LocalModel> model_;
};

TEST_F(LocalModelTest, AnswersEndAtTheLimitOfTokens) {
  for (const std::int64_t limit : {1, 7, 40}) {
    const ChatReply reply = Ask(Request("Hello", limit));
    EXPECT_EQ(reply.end, ChatEnd::kLength);
    EXPECT_EQ(reply.completion_tokens, limit);
  }
}

TEST_F(LocalModelTest, AnAnswerWithoutALimitFillsTheContext) {
  ChatRequest request;
  request.prompt = std::string(500, 'x');
  const ChatReply reply = Ask(request);
  EXPECT_EQ(reply.prompt_tokens, 500);
  EXPECT_EQ(reply.end, ChatEnd::kLength);
  EXPECT_EQ(reply.completion_tokens, 12);
  // A limit beyond the context is the context's.
  request.max_new_tokens = 4000;
  EXPECT_EQ(Ask(request).completion_tokens, 12);
}

TEST_F(LocalModelTest, APromptThatFillsTheContextIsAnErrorThatSaysSo) {
  ChatRequest request;
  request.prompt = std::string(512, 'x');
  const auto reply = model_->AskAndWait(request);
  ASSERT_FALSE(reply.ok());
  EXPECT_EQ(reply.error().code, ErrorCode::kInvalidInput);
  EXPECT_THAT(reply.error().message, HasSubstr("512 tokens"));
  EXPECT_THAT(reply.error().message, HasSubstr("context is 512"));
  request.prompt = "";
  EXPECT_THAT(model_->AskAndWait(request).error().message, HasSubstr("no tokens"));
}

TEST_F(LocalModelTest, TheSameRequestGivesTheSameAnswerAndAnotherSeedAnother) {
  ChatRequest request = Request("Hello");
  const std::string text = Ask(request).text;
  EXPECT_EQ(Ask(request).text, text);
  request.sampling.seed = 12;
  EXPECT_NE(Ask(request).text, text);
}

TEST_F(LocalModelTest, AStopStringEndsTheAnswerBeforeIt) {
  ChatRequest request = Request("Stop", 120);
  const std::string whole = Ask(request).text;
  ASSERT_GT(whole.size(), 60U);
  // Three bytes in a row come from several tokens: each is a token of its own.
  const std::string stop = whole.substr(40, 3);
  const std::string expected = whole.substr(0, whole.find(stop));
  request.stop = {stop, ""};
  const ChatReply reply = Ask(request);
  EXPECT_EQ(reply.text, expected);
  EXPECT_EQ(reply.end, ChatEnd::kStop);
  EXPECT_LT(reply.completion_tokens, 120);
  // A unit has the same answer, though it cannot be cancelled on the way.
  const auto unit = model_->AskAsUnit({&request, 1});
  ASSERT_TRUE(unit[0].ok());
  EXPECT_EQ(unit[0]->text, expected);
  EXPECT_EQ(unit[0]->completion_tokens, reply.completion_tokens);
  request.stop = {"no model writes this"};
  EXPECT_EQ(Ask(request).text, whole);
}

TEST_F(LocalModelTest, WhatIsStreamedIsTheAnswer) {
  ChatRequest request = Request("Stream", 120);
  const auto [reply, pieces] = Stream(request);
  EXPECT_EQ(Joined(pieces), reply.text);
  EXPECT_GT(pieces.size(), 10U);
  const std::string whole = reply.text;
  for (const std::size_t at : {std::size_t{0}, std::size_t{20}, std::size_t{50}}) {
    request.stop = {whole.substr(at, 4)};
    const auto [stopped, parts] = Stream(request);
    EXPECT_EQ(stopped.text, whole.substr(0, whole.find(request.stop[0])));
    EXPECT_EQ(Joined(parts), stopped.text);
    EXPECT_EQ(stopped.end, ChatEnd::kStop);
  }
}

TEST_F(LocalModelTest, TokensOfAReplyAreThoseOfItsText) {
  ChatRequest request = Request("Tokens", 60);
  request.logprobs = 3;
  const ChatReply whole = Ask(request);
  ASSERT_EQ(whole.tokens.size(), 60U);
  request.stop = {whole.text.substr(10, 3)};
  const ChatReply reply = Ask(request);
  EXPECT_EQ(reply.completion_tokens, static_cast<std::int64_t>(reply.tokens.size()));
  ASSERT_LE(reply.tokens.size(), whole.tokens.size());
  for (std::size_t i = 0; i < reply.tokens.size(); ++i) {
    EXPECT_EQ(reply.tokens[i].id, whole.tokens[i].id);
    EXPECT_LE(reply.tokens[i].logprob, 0);
    ASSERT_EQ(reply.tokens[i].top.size(), 3U);
    EXPECT_GE(reply.tokens[i].top[0].logprob, reply.tokens[i].logprob);
  }
}

TEST_F(LocalModelTest, AUnitGivesTheSameBitsAloneAndAmongOthers) {
  std::vector<ChatRequest> unit;
  for (int i = 0; i < 6; ++i) {
    unit.push_back(Request("Question " + std::string(static_cast<std::size_t>(i), '!'), 60));
    unit.back().logprobs = 0;
  }
  unit.push_back(unit[2]);
  unit.back().prompt =
      std::string(600, 'x');  // not valid: fails alone, and the others do not see it
  const auto alone = model_->AskAsUnit(unit);
  std::vector<std::future<Result<ChatReply>>> others;
  for (int i = 0; i < 3; ++i) {
    auto promise = std::make_shared<std::promise<Result<ChatReply>>>();
    others.push_back(promise->get_future());
    ASSERT_TRUE(model_
                    ->Ask(Request("Company", 200),
                          [promise](Result<ChatReply> reply) { promise->set_value(reply); })
                    .ok());
  }
  const auto among = model_->AskAsUnit(unit);
  for (auto& other : others) EXPECT_TRUE(other.get().ok());
  ASSERT_EQ(alone.size(), 7U);
  ASSERT_EQ(among.size(), 7U);
  EXPECT_THAT(alone[6].error().message, HasSubstr("600 tokens"));
  for (std::size_t i = 0; i < 6; ++i) {
    ASSERT_TRUE(alone[i].ok() && among[i].ok());
    EXPECT_EQ(alone[i]->text, among[i]->text);
    ASSERT_EQ(alone[i]->tokens.size(), among[i]->tokens.size());
    for (std::size_t k = 0; k < alone[i]->tokens.size(); ++k) {
      EXPECT_EQ(alone[i]->tokens[k].logprob, among[i]->tokens[k].logprob);
    }
  }
}

TEST_F(LocalModelTest, CancellingEndsTheAnswerWithWhatItHas) {
  std::promise<Result<ChatReply>> done;
  std::promise<void> begun;
  std::once_flag once;
  ChatRequest request;
  request.conversation = {{Role::kUser, "Go on"}};
  const auto id = model_->Ask(
      request, [&](Result<ChatReply> reply) { done.set_value(std::move(reply)); },
      [&](std::string_view, std::span<const ReplyToken>) {
        std::call_once(once, [&] { begun.set_value(); });
      });
  ASSERT_TRUE(id.ok());
  begun.get_future().wait();
  model_->Cancel(*id);
  const auto reply = done.get_future().get();
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply->end, ChatEnd::kCancelled);
  EXPECT_EQ(ChatEndName(reply->end), "cancelled");
}

TEST_F(LocalModelTest, ScoresAreTheAlternativesOfGenerating) {
  const Conversation conversation = {{Role::kUser, "One letter?"}};
  ChatRequest request;
  request.conversation = conversation;
  request.max_new_tokens = 1;
  request.logprobs = 100;
  const ChatReply reply = Ask(request);
  ASSERT_EQ(reply.tokens.size(), 1U);
  ASSERT_EQ(reply.tokens[0].top.size(), 100U);
  int compared = 0;
  for (const TokenLogprob& other : reply.tokens[0].top) {
    const std::string text(model_->tokenizer().TokenBytes(other.token));
    if (text.empty() || model_->tokenizer().IsSpecial(other.token) || other.token > 258) continue;
    if (++compared > 5) break;
    const auto scores = model_->ScoreAnswer(conversation, text);
    ASSERT_TRUE(scores.ok()) << scores.error().message;
    ASSERT_EQ(scores->size(), 2U);  // the byte and the end of text
    EXPECT_NEAR(other.logprob, (*scores)[0], 1e-4);
  }
  EXPECT_GT(compared, 5);
  EXPECT_EQ(model_->ScoreAnswer(conversation, "").value().size(), 1U);
  const auto long_one = model_->ScoreAnswer(conversation, std::string(600, 'x'));
  ASSERT_FALSE(long_one.ok());
  EXPECT_EQ(long_one.error().code, ErrorCode::kInvalidInput);
  EXPECT_THAT(long_one.error().message, HasSubstr("context"));
}

TEST_F(LocalModelTest, RewardsAreOfTheTokensThatARewardModelIsTrainedOn) {
  const std::filesystem::path directory = *folder_ / "reward";
  testing::WriteSmallRewardModel(directory);
  const Conversation before = {
      {Role::kUser, "One?"}, {Role::kAssistant, "1"}, {Role::kUser, "Two?"}};
  for (const char* name : {"", "llama-2", "vicuna"}) {
    LocalModelOptions options = testing::SmallOptions(directory);
    options.chat_template = name;
    const auto model = testing::MustLoad(options);
    const auto encoder = TrainingEncoder::Load({.model = directory, .chat_template = name});
    ASSERT_TRUE(encoder.ok()) << encoder.error().message;
    TrainingRow row;
    row.prompt = before;
    row.answer.turns = {{Role::kAssistant, "It is 2."}};
    const auto encoded = encoder->Encode(TrainingTask::kFineTuning, row);
    ASSERT_TRUE(encoded.ok()) << encoded.error().message;
    const EncodedSequence& sequence = encoded->sequences.at(0);
    const std::span<const TokenId> tokens(sequence.tokens);
    const auto learned = static_cast<std::size_t>(
        std::count(sequence.loss.begin(), sequence.loss.end(), std::uint8_t{1}));
    ASSERT_GT(learned, 8U);  // the end of the turn too
    std::promise<Result<double>> expected;
    model->pool().Reward(tokens.first(tokens.size() - learned), tokens.last(learned),
                         [&](Result<double> reward) { expected.set_value(std::move(reward)); });
    const auto reward = model->RewardAnswer(before, "It is 2.");
    ASSERT_TRUE(reward.ok()) << reward.error().message;
    EXPECT_EQ(*reward, expected.get_future().get().value());
    EXPECT_NE(*reward, model->RewardAnswer(before, "It is 3.").value());
    EXPECT_TRUE(model->RewardAnswer(before, "").ok());
  }
  const auto other = model_->RewardAnswer(before, "It is 2.");
  ASSERT_FALSE(other.ok());
  EXPECT_THAT(other.error().message, HasSubstr("no reward model"));
}

TEST_F(LocalModelTest, EmbeddingsHaveTheModelsWidth) {
  const auto one = model_->Embed("one text");
  ASSERT_TRUE(one.ok()) << one.error().message;
  EXPECT_EQ(one->size(), 96U);
  EXPECT_NE(*one, model_->Embed("another").value());
  EXPECT_FALSE(model_->Embed("").ok());
  EXPECT_FALSE(model_->Embed(std::string(600, 'x')).ok());
}

TEST_F(LocalModelTest, TheTemplateIsTheNamedOneElseTheModelsElseChatml) {
  const auto source = [](const std::string& name) {
    return ChatTemplate::Named(name).value().source();
  };
  LocalModelOptions options = testing::SmallOptions(*folder_ / "model");
  options.chat_template = "llama-2";
  EXPECT_EQ(testing::MustLoad(options)->chat_template().source(), source("llama-2"));
  options.chat_template = "llama-9";
  EXPECT_THAT(LocalModel::Load(options).error().message, HasSubstr("llama-9"));

  testing::WriteSmallModel(*folder_ / "own");
  options = testing::SmallOptions(*folder_ / "own");
  testing::Write(*folder_ / "own/chat_template.jinja", "{{ messages[0]['content'] }}");
  const auto own = testing::MustLoad(options);
  EXPECT_EQ(own->chat_template().source(), "{{ messages[0]['content'] }}");
  // A template that is broken is an error, never another template.
  testing::Write(*folder_ / "own/chat_template.jinja", "{{ messages[0]['content'");
  EXPECT_THAT(LocalModel::Load(options).error().message, HasSubstr("chat_template.jinja"));

  std::filesystem::remove(*folder_ / "own/chat_template.jinja");
  testing::Write(*folder_ / "own/tokenizer_config.json", "{\"eos_token\": \"<|im_end|>\"}");
  EXPECT_EQ(testing::MustLoad(options)->chat_template().source(), source("chatml"));
}

TEST_F(LocalModelTest, AVocabularyLargerThanTheModelsIsRefused) {
  testing::WriteSmallModel(*folder_ / "larger", 7, 300, 400);
  const auto model = LocalModel::Load(testing::SmallOptions(*folder_ / "larger"));
  ASSERT_FALSE(model.ok());
  EXPECT_THAT(model.error().message, HasSubstr("larger"));
  EXPECT_THAT(model.error().message, HasSubstr("400 tokens and the model only 300"));
}

TEST_F(LocalModelTest, TheVersionIsThatOfWhatCanChangeAnAnswer) {
  const std::filesystem::path copy = *folder_ / "copy";
  testing::WriteSmallModel(copy);
  const auto version = [&] { return testing::MustLoad(testing::SmallOptions(copy))->version(); };
  EXPECT_EQ(version(), model_->version());
  // What other programs leave in the folder is no part of the model.
  testing::Write(copy / "answers.jsonl.run.json", "{}");
  testing::Write(copy / "README.md", "A model.");
  EXPECT_EQ(version(), model_->version());

  testing::WriteSmallModel(*folder_ / "reseeded", 8);
  const std::string reseeded =
      testing::MustLoad(testing::SmallOptions(*folder_ / "reseeded"))->version();
  EXPECT_NE(reseeded, model_->version());
  testing::Write(copy / "chat_template.jinja", "{{ messages[0]['content'] }}");
  EXPECT_NE(version(), model_->version());
}

}  // namespace
}  // namespace arena
