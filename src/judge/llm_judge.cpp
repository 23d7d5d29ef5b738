#include "judge/llm_judge.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <span>
#include <utility>

#include "base/json.h"
#include "judge/internal/failed_game.h"
#include "judge/internal/json_or_text.h"
#include "judge/internal/once_by_key.h"
#include "judge/judge_transcript.h"

namespace arena {
namespace {

constexpr int kMostSamples = 100;
constexpr std::size_t kQuestionsRemembered = 10'000;  // a few KiB each

/// What questions took.
struct JudgeCost {
  int attempts = 0;  ///< requests
  Usage usage;

  void Add(const JudgeCost& more) {
    attempts += more.attempts;
    AddUsage(more.usage, usage);
  }
};

/// A question that was asked, and what it cost.
struct Asked {
  JudgeQuestion question;
  JudgeCost cost;
};

Json HashesOf(const std::vector<JudgeTemplate>& templates) {
  Json hashes = Json::array();
  for (const JudgeTemplate& entry : templates) hashes.push_back(entry.hash.Hex());
  return hashes;
}

std::string LlmBehaviour(const LlmJudgeOptions& options, const Contestant& model) {
  Json json = {{"kind", "llm"},
               {"templates", HashesOf(options.templates)},
               {"samples", options.samples},
               {"repair", options.repair},
               {"json", options.json},
               {"model", judge_internal::JsonOrText(model.behaviour)}};
  for (const auto& [category, templates] : options.by_category) {
    json["templates_by_category"][category] = HashesOf(templates);
  }
  return DumpJson(json);
}

class LlmJudge final : public Judge {
 public:
  LlmJudge(LlmJudgeOptions options, std::unique_ptr<ChatModel> model)
      : options_(std::move(options)), model_(std::move(model)) {
    const Contestant& asked = model_->contestant();
    identity_ = {options_.name, options_.family.empty() ? asked.family : options_.family,
                 LlmBehaviour(options_, asked)};
  }

  const JudgeIdentity& identity() const override { return identity_; }
  unsigned games_at_once() const override { return options_.games_at_once; }

  CallEstimate EstimateOf(const GameView& view) const override {
    CallEstimate all;
    const auto chosen = ChooseTemplate(TemplatesFor(view.instruction.category), view.instruction);
    if (!chosen.ok()) return all;
    const bool is_single = (*chosen)->form == VerdictForm::kSingleScore;
    for (const auto* const turns : {&view.first, &view.second}) {
      if (!is_single && turns == &view.second) break;
      const PromptGame game{view, is_single ? turns : nullptr, options_.json};
      for (int sample = 0; sample < options_.samples; ++sample) all.Add(EstimateOf(**chosen, game));
    }
    return all;
  }

  Result<Game> Play(const GameView& view) override {
    const auto chosen = ChooseTemplate(TemplatesFor(view.instruction.category), view.instruction);
    if (!chosen.ok()) {
      return judge_internal::FailedGame(FailureKind::kMissing, chosen.error().message);
    }
    JudgeTranscript transcript;
    transcript.form = (*chosen)->form;
    transcript.template_name = (*chosen)->name;
    transcript.template_hash = (*chosen)->hash.Hex();
    JudgeCost cost;
    bool is_open = true;
    for (int sample = 0; sample < options_.samples && is_open; ++sample) {
      ARENA_ASSIGN_OR_RETURN(auto questions, AskSample(**chosen, view, sample, cost));
      // What an API failure stopped is played again as a whole: further calls would be wasted.
      is_open = questions.empty() || questions.back().failure != FailureKind::kApi;
      transcript.samples.push_back(std::move(questions));
    }
    Game game = ReadTranscript(transcript, options_.reading);
    game.raw_reply = DumpJson(TranscriptToJson(transcript));
    game.usage = cost.usage;
    game.attempts = cost.attempts;
    return game;
  }

 private:
  CallEstimate EstimateOf(const JudgeTemplate& prompt, const PromptGame& game) const {
    Instruction instruction;
    instruction.conversation = RenderPrompt(prompt, game);
    CallEstimate estimate = model_->EstimateOf(instruction);
    if (!options_.repair) return estimate;
    // The repair shows the first reply again, which is as long as it may be.
    const std::string reply(
        static_cast<std::size_t>(kBytesPerToken * estimate.most_completion_tokens), 'x');
    instruction.conversation = RenderRepair(prompt, game, instruction.conversation, reply);
    const CallEstimate repair = model_->EstimateOf(instruction);
    estimate.most_completion_tokens += repair.most_completion_tokens;
    if (estimate.most_cost_usd && repair.most_cost_usd) {
      *estimate.most_cost_usd += *repair.most_cost_usd;
    }
    return estimate;
  }

  std::span<const JudgeTemplate> TemplatesFor(const std::string& category) const {
    const auto found = options_.by_category.find(category);
    return found == options_.by_category.end() ? options_.templates : found->second;
  }

  Result<std::vector<JudgeQuestion>> AskSample(const JudgeTemplate& prompt, const GameView& view,
                                               int sample, JudgeCost& cost) {
    std::vector<JudgeQuestion> questions;
    if (prompt.form != VerdictForm::kSingleScore) {
      ARENA_ASSIGN_OR_RETURN(Asked asked, Ask(prompt, {view, nullptr, options_.json}, sample));
      cost.Add(asked.cost);
      questions.push_back(std::move(asked.question));
      return questions;
    }
    for (const auto* const turns : {&view.first, &view.second}) {
      ARENA_ASSIGN_OR_RETURN(Asked asked, AskSingle(prompt, view, *turns, sample));
      cost.Add(asked.cost);
      const bool failed = asked.question.failure != FailureKind::kNone;
      questions.push_back(std::move(asked.question));
      if (failed) break;
    }
    return questions;
  }

  /// Both games of a battle, and other battles, want the same scores.
  Result<Asked> AskSingle(const JudgeTemplate& prompt, const GameView& view,
                          const std::vector<std::string>& turns, int sample) {
    const Key key = KeyBuilder("single score")
                        .Add(prompt.hash)
                        .Add(view.instruction.key)
                        .Add(view.instruction.reference.value_or(""))
                        .Add(TextKey(turns))
                        .Add(sample)
                        .Build();
    auto [asked, is_fresh] = known_.Get(
        key,
        [&] {
          return Ask(prompt, {view, &turns, options_.json}, sample);
        },
        [](const Result<Asked>& made) {
          return made.ok() && made->question.failure == FailureKind::kNone;
        });
    if (asked.ok() && !is_fresh) asked->cost = {};  // paid by the game that asked
    return std::move(asked);
  }

  Result<Asked> Ask(const JudgeTemplate& prompt, const PromptGame& game, int sample) {
    Asked asked;
    const Conversation first = RenderPrompt(prompt, game);
    ARENA_RETURN_IF_ERROR(Call(first, sample, asked));
    const bool is_complete = asked.question.failure == FailureKind::kNone;
    const bool is_read = ReadQuestion(prompt.form, asked.question, options_.reading).has_value();
    if (!is_complete || is_read || !options_.repair) return asked;
    const std::string& reply = asked.question.replies.front().text;
    ARENA_RETURN_IF_ERROR(Call(RenderRepair(prompt, game, first, reply), sample, asked));
    return asked;
  }

  /// One call; its reply or its failure is added to `asked`.
  Status Call(const Conversation& conversation, int sample, Asked& asked) {
    Instruction instruction;
    instruction.conversation = conversation;
    instruction.key = ConversationKey(conversation);
    ARENA_ASSIGN_OR_RETURN(const Answer answer, model_->Respond(instruction, sample));
    asked.cost.Add({answer.attempts, answer.usage});
    JudgeQuestion& question = asked.question;
    if (!answer.turns.empty()) {
      question.replies.push_back({answer.text(), answer.finish_reason, answer.reasoning});
    }
    if (answer.state != WorkState::kDone) {
      question.failure = answer.failure == FailureKind::kNone ? FailureKind::kApi : answer.failure;
      question.error = answer.error;
    } else if (answer.finish_reason == "length") {
      question.failure = FailureKind::kLength;
      question.error = "the judge's reply was cut off at its limit of tokens; raise the limit";
    } else if (answer.turns.empty()) {
      question.failure = FailureKind::kApi;
      question.error = "the judge's model gave no reply";
    }
    return {};
  }

  // Constant after construction, but for known_.
  const LlmJudgeOptions options_;
  const std::unique_ptr<ChatModel> model_;
  JudgeIdentity identity_;
  judge_internal::OnceByKey<Result<Asked>> known_{kQuestionsRemembered};
};

Status CheckAsksJson(const std::vector<JudgeTemplate>& templates) {
  for (const JudgeTemplate& entry : templates) {
    if (entry.prompt.Asks(PromptCondition::kJson)) continue;
    return InvalidInput(fmt::format(
        "the template {} has no {{if json}}, so it cannot ask for a JSON object", entry.name));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Judge>> MakeLlmJudge(LlmJudgeOptions options,
                                            std::unique_ptr<ChatModel> model) {
  if (options.samples < 1 || options.samples > kMostSamples) {
    return InvalidInput(
        fmt::format("a judge's samples must be 1 to {}, not {}", kMostSamples, options.samples));
  }
  if (options.templates.empty()) return InvalidInput("an LLM judge needs a template");
  if (options.json) {
    ARENA_RETURN_IF_ERROR(CheckAsksJson(options.templates));
    for (const auto& [category, templates] : options.by_category) {
      ARENA_RETURN_IF_ERROR(CheckAsksJson(templates));
    }
  }
  return std::make_unique<LlmJudge>(std::move(options), std::move(model));
}

}  // namespace arena
