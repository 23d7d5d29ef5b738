// A chat model that answers by a script, and games to judge.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "core/contestant.h"
#include "core/game.h"

namespace arena {

/// What it was asked; shared with the test, which outlives no judge.
struct AskedLog {
  std::mutex mutex;
  std::vector<Conversation> conversations;
};

class ScriptedModel final : public ChatModel {
 public:
  /// Gives the answer to a conversation; key and the like are not needed by judges.
  using Script = std::function<Answer(const Conversation&, int sample)>;

  ScriptedModel(Script script, std::shared_ptr<AskedLog> log)
      : script_(std::move(script)), log_(std::move(log)) {
    contestant_ = {"scripted", "house", R"({"kind":"scripted"})"};
  }

  const Contestant& contestant() const override { return contestant_; }
  Result<Answer> Respond(const Instruction& instruction, int sample) override {
    if (log_) {
      const std::lock_guard lock(log_->mutex);
      log_->conversations.push_back(instruction.conversation);
    }
    return script_(instruction.conversation, sample);
  }

 private:
  const Script script_;
  const std::shared_ptr<AskedLog> log_;
  Contestant contestant_;
};

inline Answer Says(std::string text, std::string finish = "stop") {
  Answer answer;
  answer.turns = {std::move(text)};
  answer.finish_reason = std::move(finish);
  answer.usage.prompt_tokens = 10;
  answer.usage.completion_tokens = 2;
  return answer;
}

inline Answer Fails(FailureKind failure, std::string error) {
  Answer answer;
  answer.state = WorkState::kFailed;
  answer.failure = failure;
  answer.error = std::move(error);
  return answer;
}

/// The text of the last message.
inline const std::string& LastOf(const Conversation& conversation) {
  return conversation.back().content;
}

inline bool Holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace arena
