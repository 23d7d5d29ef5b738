#include "chat/kept_model.h"

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/json.h"

namespace arena {
namespace {

class KeptModel final : public ChatModel {
 public:
  KeptModel(ChatModel& model, KeyLog& kept) : model_(model), kept_(kept) {}

  const Contestant& contestant() const override { return model_.contestant(); }
  bool answers_as_unit() const override { return model_.answers_as_unit(); }
  CallEstimate EstimateOf(const Instruction& instruction) const override {
    return model_.EstimateOf(instruction);
  }
  unsigned answers_at_once() const override { return model_.answers_at_once(); }

  Result<Answer> Respond(const Instruction& instruction, int sample) override {
    const Key key = AnswerKey(contestant().key(), instruction.key, sample);
    ARENA_ASSIGN_OR_RETURN(const auto kept, kept_.Find(key));
    if (kept) {
      if (auto answer = Read(*kept)) {
        answer->key = key;
        answer->contestant = contestant().key();
        answer->instruction = instruction.key;
        answer->sample = sample;
        return *std::move(answer);
      }
    }
    ARENA_ASSIGN_OR_RETURN(Answer answer, model_.Respond(instruction, sample));
    if (answer.state == WorkState::kDone) {
      const std::vector<KeyLog::Entry> entry = {{key, DumpJson({{"turns", answer.turns}})}};
      ARENA_RETURN_IF_ERROR(kept_.Add(entry));
    }
    return answer;
  }

  std::vector<std::optional<Result<Answer>>> RespondAll(
      std::span<const Instruction* const> instructions, int sample, unsigned threads) override {
    if (answers_as_unit()) return model_.RespondAll(instructions, sample, threads);
    return ChatModel::RespondAll(instructions, sample, threads);
  }

 private:
  static std::optional<Answer> Read(const std::string& text) {
    const auto json = ParseJson(text);
    if (!json.ok() || !json->is_object() || !json->contains("turns")) return std::nullopt;
    Answer answer;
    for (const Json& turn : json->at("turns")) {
      if (!turn.is_string()) return std::nullopt;
      answer.turns.push_back(turn.get<std::string>());
    }
    return answer;
  }

  ChatModel& model_;
  KeyLog& kept_;
};

}  // namespace

std::unique_ptr<ChatModel> KeepAnswers(ChatModel& model, KeyLog& kept) {
  return std::make_unique<KeptModel>(model, kept);
}

}  // namespace arena
