// With the real arena-lm beside this program.
#include "chat/local_contestant.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "chat/local_testing.h"

namespace arena {
namespace {

using ::testing::HasSubstr;
using Options = LocalContestant::Options;

class LocalContestantTest : public ::testing::Test {
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

  /// Greedy, so that no seed matters; a random model seldom ends an answer by itself.
  static Options Greedy() {
    Options options;
    options.name = "mini";
    options.model = testing::SmallOptions(*folder_ / "model");
    options.max_new_tokens = 16;
    options.keep_cut = true;
    return options;
  }
  static std::unique_ptr<LocalContestant> MustLoad(const Options& options) {
    auto contestant = LocalContestant::Load(options);
    if (!contestant.ok()) throw std::runtime_error(contestant.error().message);
    return std::move(*contestant);
  }
  static Instruction MakeConversation(Conversation conversation) {
    Instruction instruction;
    instruction.conversation = std::move(conversation);
    instruction.key = ConversationKey(instruction.conversation);
    return instruction;
  }
  static Answer Respond(LocalContestant& contestant, const Instruction& instruction,
                        int sample = 0) {
    auto answer = contestant.Respond(instruction, sample);
    EXPECT_TRUE(answer.ok()) << answer.error().message;
    return answer.value_or(Answer());
  }
  /// What the model itself says after a conversation.
  static std::string Says(const Conversation& conversation) {
    ChatRequest request;
    request.conversation = conversation;
    request.max_new_tokens = 16;
    auto replies = model_->AskAsUnit({&request, 1});
    EXPECT_TRUE(replies[0].ok());
    return replies[0].value_or(ChatReply()).text;
  }

  static inline std::unique_ptr<TemporaryFolder> folder_;
  static inline std::unique_ptr<LocalModel> model_;
};

TEST_F(LocalContestantTest, EachTurnIsAnsweredAfterTheTurnsBeforeIt) {
  const auto contestant = MustLoad(Greedy());
  const Instruction instruction =
      MakeConversation({{Role::kUser, "One?"}, {Role::kUser, "And two?"}});
  const Answer answer = Respond(*contestant, instruction);
  EXPECT_EQ(answer.state, WorkState::kDone);
  ASSERT_EQ(answer.turns.size(), 2U);
  EXPECT_EQ(answer.turns[0], Says({{Role::kUser, "One?"}}));
  EXPECT_EQ(answer.turns[1], Says({{Role::kUser, "One?"},
                                   {Role::kAssistant, answer.turns[0]},
                                   {Role::kUser, "And two?"}}));
  EXPECT_EQ(answer.usage.completion_tokens, 32);
  EXPECT_EQ(answer.key, AnswerKey(contestant->contestant().key(), instruction.key, 0));
  EXPECT_EQ(answer.instruction, instruction.key);
}

TEST_F(LocalContestantTest, TurnsThatTheInstructionAnswersItselfStay) {
  const auto contestant = MustLoad(Greedy());
  const Conversation conversation = {
      {Role::kUser, "One?"}, {Role::kAssistant, "1"}, {Role::kUser, "And two?"}};
  const Answer answer = Respond(*contestant, MakeConversation(conversation));
  ASSERT_EQ(answer.turns.size(), 1U);
  EXPECT_EQ(answer.turns[0], Says(conversation));
}

TEST_F(LocalContestantTest, TheSystemPromptGoesBeforeConversationsThatHaveNone) {
  Options options = Greedy();
  options.system_prompt = "Be short.";
  const auto contestant = MustLoad(options);
  const std::string with = Respond(*contestant, MakeInstruction("One?")).text();
  EXPECT_EQ(with, Says({{Role::kSystem, "Be short."}, {Role::kUser, "One?"}}));
  EXPECT_NE(with, Says({{Role::kUser, "One?"}}));
  const Conversation own = {{Role::kSystem, "Be long."}, {Role::kUser, "One?"}};
  EXPECT_EQ(Respond(*contestant, MakeConversation(own)).text(), Says(own));
}

TEST_F(LocalContestantTest, AnAnswerThatIsCutOffFailsUnlessItShallBeKept) {
  Options options = Greedy();
  const Instruction instruction =
      MakeConversation({{Role::kUser, "One?"}, {Role::kUser, "And two?"}});
  const Answer kept = Respond(*MustLoad(options), instruction);
  EXPECT_EQ(kept.state, WorkState::kDone);
  EXPECT_EQ(kept.finish_reason, "length");
  options.keep_cut = false;
  const Answer cut = Respond(*MustLoad(options), instruction);
  EXPECT_EQ(cut.state, WorkState::kFailed);
  EXPECT_EQ(cut.failure, FailureKind::kLength);
  EXPECT_EQ(cut.turns.size(), 1U);  // the second turn was not asked for
  // A stop string that comes before the limit ends an answer that is whole.
  options.stop = {kept.turns[0].substr(4, 2)};
  const Answer stopped = Respond(*MustLoad(options), MakeInstruction("One?"));
  EXPECT_EQ(stopped.state, WorkState::kDone);
  EXPECT_EQ(stopped.finish_reason, "stop");
  EXPECT_EQ(stopped.text(), kept.turns[0].substr(0, kept.turns[0].find(options.stop[0])));
}

TEST_F(LocalContestantTest, APromptBeyondTheContextFailsAlone) {
  const auto contestant = MustLoad(Greedy());
  const Instruction fits = MakeInstruction("One?");
  const Instruction too_long = MakeInstruction(std::string(600, 'x'));
  const std::vector<const Instruction*> both = {&too_long, &fits};
  const auto answers = contestant->RespondAll(both, 0, 1);
  ASSERT_TRUE(answers[0] && answers[0]->ok() && answers[1] && answers[1]->ok());
  EXPECT_EQ((*answers[0])->state, WorkState::kFailed);
  EXPECT_EQ((*answers[0])->failure, FailureKind::kApi);
  EXPECT_THAT((*answers[0])->error, HasSubstr("context"));
  EXPECT_EQ((*answers[1])->text(), Says(fits.conversation));
}

TEST_F(LocalContestantTest, SamplesDifferAndEachComesAgain) {
  Options options = Greedy();
  options.sampling.temperature = 1;
  const auto contestant = MustLoad(options);
  const Instruction one = MakeInstruction("One?");
  const Instruction two = MakeInstruction("Two?");
  const std::vector<const Instruction*> both = {&one, &two};
  std::set<std::string> texts;
  for (const int sample : {0, 1, 2}) {
    const auto answers = contestant->RespondAll(both, sample, 1);
    const auto again = contestant->RespondAll(both, sample, 4);
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_EQ((*answers[i])->turns, (*again[i])->turns);
      EXPECT_EQ((*answers[i])->sample, sample);
      texts.insert((*answers[i])->text());
    }
  }
  EXPECT_EQ(texts.size(), 6U);
}

TEST_F(LocalContestantTest, EverySettingThatChangesAnswersIsAnotherContestant) {
  using Change = std::function<void(Options&)>;
  const std::vector<Change> changes = {
      [](Options&) {}, [](Options& o) { o.system_prompt = "Be short."; },
      [](Options& o) { o.sampling.temperature = 0.5; }, [](Options& o) { o.sampling.top_k = 5; },
      [](Options& o) { o.sampling.top_p = 0.5; }, [](Options& o) { o.sampling.min_p = 0.1; },
      [](Options& o) { o.sampling.repetition_penalty = 1.1; },
      [](Options& o) { o.sampling.seed = 2; }, [](Options& o) { o.max_new_tokens = 17; },
      [](Options& o) { o.stop = {"x"}; }, [](Options& o) { o.keep_cut = false; },
      [](Options& o) { o.model.chat_template = "zephyr"; },
      [](Options& o) { o.model.pool.precision = "bf16"; },
      // What runs together decides the last bits.
      [](Options& o) { o.model.pool.max_batch = 3; },
      [](Options& o) { o.model.pool.cache_mb = 3; }};
  std::set<std::string> behaviours;
  for (const Change& change : changes) {
    Options options = Greedy();
    change(options);
    behaviours.insert(MustLoad(options)->contestant().behaviour);
  }
  EXPECT_EQ(behaviours.size(), changes.size());

  Options same = Greedy();
  same.name = "another name";
  same.family = "a family";
  same.model.pool.workers = 2;
  const auto contestant = MustLoad(same);
  EXPECT_EQ(behaviours.count(contestant->contestant().behaviour), 1U);
  EXPECT_EQ(contestant->contestant().name, "another name");
  EXPECT_EQ(contestant->contestant().family, "a family");
}

TEST_F(LocalContestantTest, AModelThatIsGoneEndsTheRunInsteadOfFailingAnswers) {
  Options options = Greedy();
  const std::filesystem::path program = *folder_ / "dies";
  testing::Write(program,
                 "#!/bin/sh\nread hello\n"
                 "echo '{\"type\":\"ready\",\"protocol\":1,\"precision\":\"f32\","
                 "\"context\":512,\"vocabulary\":300,\"parameters\":1,\"eos\":[]}'\n"
                 "read request\nexit 3\n");
  ASSERT_EQ(::chmod(program.c_str(), 0755), 0);
  options.model.pool.program = program.string();
  const auto contestant = MustLoad(options);
  const auto answer = contestant->Respond(MakeInstruction("One?"), 0);
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace arena
