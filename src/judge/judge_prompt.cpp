// Rendering of templates for games: judge_template.h.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "judge/judge_template.h"

namespace arena {
namespace {

/// An answer's side of the game.
struct Side {
  std::vector<std::string> questions;  ///< all user turns
  std::vector<std::string> answers;    ///< the assistant's turn after each, or empty
  std::string dialogue;                ///< the open turns, each message in its own tags
};

std::string Tagged(const Message& message, const std::string& boundary) {
  return fmt::format("<{0}-{1}>\n{2}\n</{0}-{1}>", RoleName(message.role), boundary,
                     message.content);
}

/// Messages [from, to) in their tags, an empty line between two.
std::string TaggedRange(const Conversation& conversation, std::size_t from, std::size_t to,
                        const std::string& boundary) {
  std::string text;
  for (std::size_t i = from; i < to; ++i) {
    if (i > from) text += "\n\n";
    text += Tagged(conversation[i], boundary);
  }
  return text;
}

/// The messages that precede the first open user turn.
std::size_t HistorySize(const Instruction& instruction) {
  std::size_t open = OpenTurns(instruction);
  std::size_t at = instruction.conversation.size();
  while (at > 0 && open > 0) {
    if (instruction.conversation[--at].role == Role::kUser) --open;
  }
  return at;
}

Side MakeSide(const Instruction& instruction, const std::vector<std::string>& turns,
              const std::string& boundary) {
  Side side;
  const Conversation played = WithAnswers(instruction, turns);
  for (const Message& message : played) {
    if (message.role == Role::kUser) {
      side.questions.push_back(message.content);
      side.answers.emplace_back();
    } else if (message.role == Role::kAssistant && !side.answers.empty()) {
      side.answers.back() = message.content;
    }
  }
  side.dialogue = TaggedRange(played, HistorySize(instruction), played.size(), boundary);
  return side;
}

/// The same for both orders of seats, so that a mirrored game has a mirrored prompt.
std::string BoundaryFor(const PromptGame& game) {
  std::vector<std::string_view> texts;
  for (const Message& message : game.view.instruction.conversation)
    texts.push_back(message.content);
  if (game.view.instruction.reference) texts.push_back(*game.view.instruction.reference);
  const auto add = [&texts](const std::vector<std::string>& turns) {
    texts.insert(texts.end(), turns.begin(), turns.end());
  };
  if (game.single != nullptr) {
    add(*game.single);
  } else {
    add(game.view.first);
    add(game.view.second);
  }
  std::sort(texts.begin(), texts.end());
  for (std::int64_t draw = 0;; ++draw) {
    KeyBuilder hash("judge boundary");
    for (const std::string_view text : texts) hash.Add(text);
    std::string boundary = hash.Add(draw).Build().Hex().substr(0, 16);
    const bool occurs = std::any_of(texts.begin(), texts.end(), [&](std::string_view text) {
      return text.find(boundary) != std::string_view::npos;
    });
    if (!occurs) return boundary;
  }
}

const std::string& TurnOf(const std::vector<std::string>& turns, int turn) {
  static const std::string kNone;
  if (turns.empty() || turn > static_cast<int>(turns.size())) return kNone;
  return turn == 0 ? turns.back() : turns[static_cast<std::size_t>(turn - 1)];
}

/// Fills in the parts of one template for one game.
class Renderer {
 public:
  explicit Renderer(const PromptGame& game)
      : game_(game),
        boundary_(BoundaryFor(game)),
        a_(MakeSide(game.view.instruction, game.single ? *game.single : game.view.first,
                    boundary_)),
        b_(MakeSide(game.view.instruction, game.single ? *game.single : game.view.second,
                    boundary_)) {}

  std::string Render(const TemplateText& text) const {
    return text.Render([this](PromptValue value, int turn) { return Value(value, turn); },
                       [this](PromptCondition condition) { return Holds(condition); });
  }

 private:
  std::string Value(PromptValue value, int turn) const {
    switch (value) {
      case PromptValue::kQuestion:
        return TurnOf(a_.questions, turn);
      case PromptValue::kAnswer:
      case PromptValue::kAnswerA:
        return TurnOf(a_.answers, turn);
      case PromptValue::kAnswerB:
        return TurnOf(b_.answers, turn);
      case PromptValue::kReference:
        return Reference(turn);
      case PromptValue::kHistory:
        return History();
      case PromptValue::kDialogue:
      case PromptValue::kDialogueA:
        return a_.dialogue;
      case PromptValue::kDialogueB:
        return b_.dialogue;
      case PromptValue::kBoundary:
        break;
    }
    return boundary_;
  }

  bool Holds(PromptCondition condition) const {
    const Instruction& instruction = game_.view.instruction;
    switch (condition) {
      case PromptCondition::kReference:
        return instruction.reference.has_value();
      case PromptCondition::kHistory:
        return HistorySize(instruction) > 0;
      case PromptCondition::kDialogue:
        return OpenTurns(instruction) > 1;
      case PromptCondition::kJson:
        break;
    }
    return game_.json;
  }

  /// An instruction keeps the reference of its last turn only.
  std::string Reference(int turn) const {
    const bool is_last = turn == 0 || turn == static_cast<int>(a_.questions.size());
    return is_last ? game_.view.instruction.reference.value_or("") : "(not given)";
  }

  std::string History() const {
    const Instruction& instruction = game_.view.instruction;
    return TaggedRange(instruction.conversation, 0, HistorySize(instruction), boundary_);
  }

  const PromptGame& game_;
  const std::string boundary_;
  const Side a_;
  const Side b_;
};

}  // namespace

Conversation RenderPrompt(const JudgeTemplate& from, const PromptGame& game) {
  const Renderer renderer(game);
  Conversation conversation;
  if (std::string system = renderer.Render(from.system); !system.empty()) {
    conversation.push_back({Role::kSystem, std::move(system)});
  }
  conversation.push_back({Role::kUser, renderer.Render(from.prompt)});
  return conversation;
}

Conversation RenderRepair(const JudgeTemplate& from, const PromptGame& game, Conversation asked,
                          const std::string& reply) {
  std::string repair = Renderer(game).Render(from.repair);
  // Servers refuse messages without content.
  if (reply.find_first_not_of(" \t\r\n") == std::string::npos) {
    asked.back().content += "\n\n" + repair;
    return asked;
  }
  asked.push_back({Role::kAssistant, reply});
  asked.push_back({Role::kUser, std::move(repair)});
  return asked;
}

}  // namespace arena
