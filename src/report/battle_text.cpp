#include "report/battle_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "report/numbers.h"

namespace arena {
namespace {

constexpr int kSideBySideWidth = 110;
// Every line of outside text starts with this, so that none can look like a heading of ours.
constexpr std::string_view kMargin = "  ";

std::string Heading(std::string_view text, const TableStyle& style) {
  const std::string rule = style.unicode ? "\u2500" : "-";
  std::string line =
      fmt::format("{0}{0} {1} ", rule, CutToWidth(text, style.width - 6, style.unicode));
  for (int width = DisplayWidth(line); width < style.width; ++width) {
    line += rule;
  }
  return '\n' + Toned(line, Tone::kHeading, style) + '\n';
}

/// Outside text as lines of at most `width` columns.
std::vector<std::string> SafeLines(std::string_view text, int width) {
  return WrapText(VisibleText(text), width);
}

std::string Block(std::string_view text, const TableStyle& style) {
  std::string out;
  for (const std::string& line : SafeLines(text, style.width - static_cast<int>(kMargin.size()))) {
    out += line.empty() ? "\n" : fmt::format("{}{}\n", kMargin, line);
  }
  return out;
}

std::string FailureText(WorkState state, FailureKind failure, int attempts,
                        const std::string& error) {
  if (state == WorkState::kPending) {
    return "not done yet";
  }
  std::string text = "failed";
  if (failure != FailureKind::kNone) {
    text += fmt::format(" ({})", FailureKindName(failure));
  }
  text += fmt::format(" after {} attempt{}", attempts, attempts == 1 ? "" : "s");
  return error.empty() ? text : text + ": " + error;
}

/// The answer's turns as one text; several turns are numbered.
std::string AnswerBody(const Answer& answer) {
  if (answer.state != WorkState::kDone) {
    return FailureText(answer.state, answer.failure, answer.attempts, answer.error);
  }
  if (answer.turns.size() == 1) {
    return answer.turns.front();
  }
  std::string text;
  for (std::size_t i = 0; i < answer.turns.size(); ++i) {
    text += fmt::format("{}[turn {}]\n{}", i == 0 ? "" : "\n\n", i + 1, answer.turns[i]);
  }
  return text;
}

std::string SideBySide(const BattleDetail& detail, const TableStyle& style) {
  const std::string separator = style.unicode ? " \u2502 " : " | ";
  const int width = (style.width - static_cast<int>(kMargin.size()) - 3) / 2;
  const auto column = [&](std::string_view seat, const Contestant& who, const Answer& answer) {
    std::vector<std::string> lines = SafeLines(AnswerBody(answer), width);
    lines.insert(
        lines.begin(),
        {CutToWidth(fmt::format("{}: {}", seat, VisibleLine(who.name)), width, style.unicode), ""});
    return lines;
  };
  std::vector<std::string> left = column("A", detail.contestant_a, detail.answer_a);
  std::vector<std::string> right = column("B", detail.contestant_b, detail.answer_b);
  const std::size_t count = std::max(left.size(), right.size());
  left.resize(count);
  right.resize(count);
  std::string out = Heading("Answers", style);
  for (std::size_t i = 0; i < count; ++i) {
    std::string line =
        std::string(kMargin) + PadToWidth(left[i], width, Align::kLeft) + separator + right[i];
    out += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
  }
  return out;
}

std::string OneAfterAnother(const BattleDetail& detail, const TableStyle& style) {
  return Heading("Answer A: " + VisibleLine(detail.contestant_a.name), style) +
         Block(AnswerBody(detail.answer_a), style) +
         Heading("Answer B: " + VisibleLine(detail.contestant_b.name), style) +
         Block(AnswerBody(detail.answer_b), style);
}

std::string Facts(const BattleDetail& detail, const TableStyle& style) {
  std::string out;
  const auto add = [&](std::string_view name, std::string_view value) {
    const std::string line = PadToWidth(name, 13, Align::kLeft) + VisibleLine(value);
    out += CutToWidth(line, style.width, style.unicode) + '\n';
  };
  const auto with_family = [](const std::string& name, const std::string& family) {
    return family.empty() ? name : fmt::format("{} (family {})", name, family);
  };
  add("battle", detail.battle.key.Hex());
  if (!detail.instruction.id.empty()) {
    add("instruction", detail.instruction.id);
  }
  if (!detail.instruction.category.empty()) {
    add("category", detail.instruction.category);
  }
  if (!detail.instruction.source.empty()) {
    add("source", detail.instruction.source);
  }
  add("contestant A", with_family(detail.contestant_a.name, detail.contestant_a.family));
  add("contestant B", with_family(detail.contestant_b.name, detail.contestant_b.family));
  add("judge", with_family(detail.judge.name, detail.judge.family));
  return out;
}

std::string InstructionText(const Instruction& instruction, const TableStyle& style) {
  std::string out = Heading("Instruction", style);
  const bool several = instruction.conversation.size() > 1;
  for (const Message& message : instruction.conversation) {
    if (several || message.role != Role::kUser) {
      out += Toned(fmt::format("{}[{}]", kMargin, RoleName(message.role)), Tone::kFaint, style);
      out += '\n';
    }
    out += Block(message.content, style);
  }
  if (instruction.reference) {
    out += Heading("Reference answer", style) + Block(*instruction.reference, style);
  }
  return out;
}

/// A game in the frame of contestant A.
GameOutcome InFrameOfA(const std::optional<Game>& game, bool a_first) {
  if (!game || game->state != WorkState::kDone) return {.a_first = a_first, .is_void = true};
  return ScoredGame(a_first, game->verdict.score_first, game->verdict.score_second);
}

std::string_view WinnerText(double share_a) {
  return share_a > 0.5 ? "A wins" : share_a < 0.5 ? "B wins" : "tie";
}

std::string GameText(int number, const std::optional<Game>& game, const GameOutcome& outcome,
                     const TableStyle& style) {
  std::string out = Heading(fmt::format("Game {}: {} sits first, {} second", number,
                                        outcome.a_first ? "A" : "B", outcome.a_first ? "B" : "A"),
                            style);
  if (!game) {
    return out + Block("not played", style);
  }
  if (game->state != WorkState::kDone) {
    out += Block(FailureText(game->state, game->failure, game->attempts, game->error), style);
    return game->raw_reply.empty() ? out
                                   : out + Block("the judge wrote:\n" + game->raw_reply, style);
  }
  out += Toned(fmt::format("{}A {}, B {}: {}\n", kMargin, PlainNumber(outcome.score_a),
                           PlainNumber(outcome.score_b), WinnerText(outcome.share_a)),
               Tone::kAccent, style);
  return game->verdict.explanation.empty() ? out : out + Block(game->verdict.explanation, style);
}

std::string PolicyText(const OutcomeOptions& options) {
  std::string text(OutcomePolicyName(options.policy));
  if (options.policy == OutcomePolicy::kMeanScore) {
    text += fmt::format(", tie margin {}", PlainNumber(options.tie_margin));
  }
  return text;
}

std::string OutcomeText(const BattleRecord& record, const OutcomeOptions& options) {
  const Result<RatedResults> rated = Outcome(record, options);
  if (!rated.ok()) {
    return rated.error().message;
  }
  if (rated->count == 0) {
    return "void: it does not count";
  }
  std::vector<std::string> parts;
  for (int i = 0; i < rated->count; ++i) {
    const RatedResult& result = rated->results[static_cast<std::size_t>(i)];
    std::string part(WinnerText(result.share_a));
    if (result.weight != 1) {
      part += fmt::format(" (counts {})", PlainNumber(result.weight));
    }
    parts.push_back(std::move(part));
  }
  return fmt::format("{}", fmt::join(parts, "; "));
}

}  // namespace

std::string BattleText(const BattleDetail& detail, const OutcomeOptions& outcome,
                       const TableStyle& style) {
  BattleRecord record;
  record.game_count = 2;
  record.games = {InFrameOfA(detail.game_ab, true), InFrameOfA(detail.game_ba, false)};
  std::string out = Facts(detail, style) + InstructionText(detail.instruction, style);
  out +=
      style.width >= kSideBySideWidth ? SideBySide(detail, style) : OneAfterAnother(detail, style);
  out += GameText(1, detail.game_ab, record.games[0], style);
  out += GameText(2, detail.game_ba, record.games[1], style);
  out += Heading("Outcome (" + PolicyText(outcome) + ")", style);
  return out + Block(OutcomeText(record, outcome), style);
}

}  // namespace arena
