#include "miniworld/vocabulary.h"

#include <gmock/gmock.h>

#include <map>
#include <memory>

#include "base/temporary_folder.h"
#include "checkpoint/checkpoint.h"
#include "core/conversation.h"
#include "miniworld/examples.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace arena::mini {
namespace {

constexpr std::size_t kMaxPromptTokens = 21;  // <|user|> and <|assistant|> included
constexpr std::size_t kMaxAnswerTokens = 12;  // <|end|> included

class VocabularyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(WriteTokenizer(folder_.path()).ok());
    auto tokenizer = LoadTokenizer(folder_.path());
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message;
    tokenizer_ = std::move(*tokenizer);
    auto chat_template = LoadChatTemplate(folder_.path());
    ASSERT_TRUE(chat_template.ok()) << chat_template.error().message;
    chat_template_ = std::make_unique<ChatTemplate>(*chat_template);
  }

  std::vector<TokenId> Encode(const Conversation& conversation) {
    RenderOptions options;
    options.add_generation_prompt = conversation.back().role == Role::kUser;
    const auto rendered = chat_template_->Render(conversation, options);
    EXPECT_TRUE(rendered.ok()) << rendered.error().message;
    return tokenizer_->EncodePrompt(*rendered);
  }

  TemporaryFolder folder_;
  std::unique_ptr<Tokenizer> tokenizer_;
  std::unique_ptr<ChatTemplate> chat_template_;
};

TEST_F(VocabularyTest, HasTheStatedSizeAndSpecialTokens) {
  EXPECT_EQ(tokenizer_->vocabulary_size(), Vocabulary().size() + 4);
  EXPECT_NEAR(static_cast<double>(tokenizer_->vocabulary_size()), 280, 30);
  EXPECT_EQ(tokenizer_->eos_id(), kEndId);
  EXPECT_EQ(tokenizer_->Find("<|unknown|>"), kUnknownId);
  EXPECT_EQ(tokenizer_->Find("<|user|>"), kUserId);
  EXPECT_EQ(tokenizer_->Find("<|assistant|>"), kAssistantId);
}

TEST_F(VocabularyTest, LengthsStayWithinBoundsAndTextsComeBack) {
  Rng rng(1);
  std::size_t total = 0, count = 0;
  std::map<TokenId, int> used;
  for (const Family family : AllFamilies()) {
    for (int i = 0; i < 1000; ++i) {
      const auto example = DrawExample(family, Split::kTrain, 0, rng);
      ASSERT_TRUE(example.has_value());
      const auto prompt = Encode({{Role::kUser, example->prompt}});
      EXPECT_LE(prompt.size(), kMaxPromptTokens) << example->prompt;
      EXPECT_EQ(tokenizer_->Decode(prompt, true), " " + example->prompt);
      for (const RatedAnswer& answer : example->answers) {
        const auto both = Encode({{Role::kUser, example->prompt}, {Role::kAssistant, answer.text}});
        ASSERT_GT(both.size(), prompt.size());
        EXPECT_TRUE(std::equal(prompt.begin(), prompt.end(), both.begin()));
        const std::vector<TokenId> own(both.begin() + static_cast<std::ptrdiff_t>(prompt.size()),
                                       both.end());
        EXPECT_LE(own.size(), kMaxAnswerTokens) << answer.text;
        EXPECT_EQ(own.back(), kEndId);
        EXPECT_EQ(tokenizer_->Decode(own, true), answer.text);
        for (const TokenId id : both) ++used[id];
        total += both.size();
        ++count;
      }
    }
  }
  EXPECT_FALSE(used.contains(static_cast<TokenId>(kUnknownId)));
  EXPECT_EQ(used.size(), tokenizer_->vocabulary_size() - 1) << "every other token is of use";
  EXPECT_NEAR(static_cast<double>(total) / static_cast<double>(count), 15, 3);
}

TEST_F(VocabularyTest, WordsAreWholeAndOthersSpelled) {
  EXPECT_TRUE(IsWholeWord("reverse"));
  EXPECT_FALSE(IsWholeWord("kelobu"));
  EXPECT_EQ(tokenizer_->Encode(" reverse kelobu").size(), 1U + 7U);
  EXPECT_EQ(tokenizer_->Encode("Paris").size(), 1U);
  EXPECT_THAT(tokenizer_->Encode("\xC3\xA9"), ::testing::Each(static_cast<TokenId>(kUnknownId)));
}

TEST_F(VocabularyTest, SystemMessageIsRefused) {
  EXPECT_FALSE(chat_template_->Render({{Role::kSystem, "x"}, {Role::kUser, "add 1 and 2"}}).ok());
}

TEST(MiniModelTest, IsACompleteCheckpointThatFollowsTheSeed) {
  const TemporaryFolder folder;
  ASSERT_TRUE(WriteModel(folder.path() / "a", 1).ok());
  ASSERT_TRUE(WriteModel(folder.path() / "b", 1).ok());
  ASSERT_TRUE(WriteModel(folder.path() / "c", 2).ok());
  EXPECT_FALSE(WriteModel(folder.path() / "c", 2).ok()) << "a model is never overwritten";
  const auto a = Checkpoint::Open(folder.path() / "a"), b = Checkpoint::Open(folder.path() / "b"),
             c = Checkpoint::Open(folder.path() / "c");
  ASSERT_TRUE(a.ok() && b.ok() && c.ok());
  EXPECT_EQ(a->config().hidden_size, 96);
  EXPECT_EQ(a->config().vocab_size, static_cast<std::int64_t>(Vocabulary().size()) + 4);
  EXPECT_THAT(a->config().eos_ids, ::testing::ElementsAre(kEndId));
  const auto head = [](const Checkpoint& checkpoint) {
    const auto data = checkpoint.tensors().front().bytes;
    return std::vector<std::byte>(data.begin(), data.end());
  };
  EXPECT_EQ(head(*a), head(*b));
  EXPECT_NE(head(*a), head(*c));
}

}  // namespace
}  // namespace arena::mini
