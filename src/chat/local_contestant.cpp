#include "chat/local_contestant.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/interrupt.h"
#include "base/json.h"
#include "chat/internal/sampling_json.h"
#include "chat/recorded.h"
#include "text/reasoning.h"
#include "text/style_counts.h"

namespace arena {
namespace {

std::string BehaviourOf(const LocalContestant::Options& options, const LocalModel& model,
                        const std::string& precision) {
  Json json = {{"kind", "local"},
               {"version", model.version()},
               {"precision", precision},
               // What runs together in a worker decides the last bits.
               {"max_batch", options.model.pool.max_batch},
               {"cache_mb", options.model.pool.cache_mb},
               {"system_prompt", options.system_prompt}};
  AddSampling(options.sampling, json);
  json["max_new_tokens"] = options.max_new_tokens;
  json["stop"] = options.stop;
  json["keep_cut"] = options.keep_cut;
  return DumpJson(json);
}

}  // namespace

/// One instruction on its way through its turns.
struct LocalContestant::Turns {
  Answer answer;
  Conversation history;       ///< what the model sees next, but for the turn to come
  std::vector<Message> left;  ///< the user turns to come, the next one last
};

LocalContestant::LocalContestant(Options options, std::unique_ptr<LocalModel> model)
    : options_(std::move(options)), model_(std::move(model)) {
  contestant_.name = options_.name;
  contestant_.family = options_.family;
  contestant_.behaviour = BehaviourOf(options_, *model_, model_->pool().model().precision);
}

Result<std::unique_ptr<LocalContestant>> LocalContestant::Load(const Options& options) {
  ARENA_ASSIGN_OR_RETURN(auto model, LocalModel::Load(options.model));
  return std::unique_ptr<LocalContestant>(new LocalContestant(options, std::move(model)));
}

Result<Answer> LocalContestant::Respond(const Instruction& instruction, int sample) {
  const Instruction* const one = &instruction;
  auto answers = RespondAll({&one, 1}, sample, 1);
  if (!answers[0]) return Cancelled("stopped by the user");
  return std::move(*answers[0]);
}

std::vector<std::optional<Result<Answer>>> LocalContestant::RespondAll(
    std::span<const Instruction* const> instructions, int sample, unsigned) {
  std::vector<std::optional<Result<Answer>>> answers(instructions.size());
  if (Interrupted()) return answers;
  std::vector<Turns> all(instructions.size());
  std::vector<Turns*> open;
  const Key key = contestant_.key();
  for (std::size_t i = 0; i < instructions.size(); ++i) {
    const Instruction& instruction = *instructions[i];
    Turns& turns = all[i];
    turns.answer.contestant = key;
    turns.answer.instruction = instruction.key;
    turns.answer.sample = sample;
    turns.answer.key = AnswerKey(key, instruction.key, sample);
    const Conversation& conversation = instruction.conversation;
    const std::size_t first = conversation.size() - OpenTurns(instruction);
    const bool has_system = !conversation.empty() && conversation.front().role == Role::kSystem;
    if (!options_.system_prompt.empty() && !has_system) {
      turns.history.push_back({Role::kSystem, options_.system_prompt});
    }
    turns.history.insert(turns.history.end(), conversation.begin(),
                         conversation.begin() + static_cast<std::ptrdiff_t>(first));
    turns.left.assign(conversation.rbegin(),
                      conversation.rend() - static_cast<std::ptrdiff_t>(first));
    if (!turns.left.empty()) open.push_back(&turns);
  }
  while (!open.empty()) AskTurn(open);
  for (std::size_t i = 0; i < all.size(); ++i) {
    Answer& answer = all[i].answer;
    if (answer.failure == FailureKind::kApi && answer.attempts == 0) {
      answers[i] = Error{ErrorCode::kUnavailable, answer.error};
      continue;
    }
    answer.style = CountStyle(answer.text());
    answers[i] = std::move(answer);
  }
  return answers;
}

// One turn of all that are open; those that are done or have failed leave.
void LocalContestant::AskTurn(std::vector<Turns*>& open) {
  std::vector<ChatRequest> requests;
  for (Turns* turns : open) {
    turns->history.push_back(std::move(turns->left.back()));
    turns->left.pop_back();
    ChatRequest& request = requests.emplace_back();
    request.conversation = turns->history;
    request.sampling = options_.sampling;
    request.sampling.seed = KeyBuilder("seed of an answer")
                                .Add(static_cast<std::int64_t>(options_.sampling.seed))
                                .Add(ConversationKey(turns->history))
                                .Add(turns->answer.sample)
                                .Build()
                                .low;
    request.max_new_tokens = options_.max_new_tokens;
    request.stop = options_.stop;
  }
  const auto replies = model_->AskAsUnit(requests);
  std::vector<Turns*> still_open;
  for (std::size_t i = 0; i < open.size(); ++i) {
    Answer& answer = open[i]->answer;
    if (!replies[i].ok()) {
      const Error& error = replies[i].error();
      answer.state = WorkState::kFailed;
      answer.failure = FailureKind::kApi;
      answer.error = error.message;
      // Not the answer's fault: no attempt is counted, and the run ends.
      if (error.code == ErrorCode::kUnavailable) answer.attempts = 0;
      continue;
    }
    const ChatReply& reply = *replies[i];
    const SplitReply split = SplitReasoning(reply.text);
    answer.turns.emplace_back(split.answer);
    answer.reasoning = split.reasoning;
    answer.finish_reason = ChatEndName(reply.end);
    answer.usage.prompt_tokens += reply.prompt_tokens;
    answer.usage.completion_tokens += reply.completion_tokens;
    if (split.is_cut || (reply.end == ChatEnd::kLength && !options_.keep_cut)) {
      answer.state = WorkState::kFailed;
      answer.failure = FailureKind::kLength;
      answer.error = "the answer was cut off at the limit of tokens";
      continue;
    }
    open[i]->history.push_back({Role::kAssistant, answer.turns.back()});
    if (!open[i]->left.empty()) still_open.push_back(open[i]);
  }
  open.swap(still_open);
}

}  // namespace arena
