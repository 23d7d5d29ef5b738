#include "store/internal/rows.h"

#include <fmt/core.h>

#include <cmath>
#include <initializer_list>

#include "store/internal/text_code.h"

namespace arena::store {
namespace {

constexpr std::uint64_t kSignBit = 1ULL << 63;

long long ToSigned(std::uint64_t value) { return static_cast<long long>(value ^ kSignBit); }
std::uint64_t FromSigned(long long value) { return static_cast<std::uint64_t>(value) ^ kSignBit; }

UsageColumns ToColumns(const Usage& usage) {
  return {usage.prompt_tokens, usage.completion_tokens, usage.reasoning_tokens,
          usage.cached_tokens, usage.latency_ms,        usage.cost_usd};
}

Usage FromColumns(const UsageColumns& columns) {
  Usage usage;
  usage.prompt_tokens = columns.prompt_tokens;
  usage.completion_tokens = columns.completion_tokens;
  usage.reasoning_tokens = columns.reasoning_tokens;
  usage.cached_tokens = columns.cached_tokens;
  usage.latency_ms = columns.latency_ms;
  usage.cost_usd = columns.cost_usd;
  return usage;
}

/// SQLite would store NaN as NULL.
Status RequireFinite(std::string_view what, const Key& key, std::initializer_list<double> numbers) {
  for (const double number : numbers) {
    if (!std::isfinite(number)) {
      return InvalidInput(fmt::format(
          "{} {} has a number that is not finite (a score, a style count or a usage figure); it "
          "cannot be stored",
          what, key.Hex()));
    }
  }
  return {};
}

Error UnknownName(std::string_view what, std::string_view name) {
  return IoError(fmt::format("the store has the unknown {} '{}': the database is damaged", what,
                             EncodeText(name)));
}

Result<WorkState> StateFrom(const std::string& name) {
  const auto state = ParseWorkState(name);
  if (!state) return UnknownName("state", name);
  return *state;
}

Result<FailureKind> FailureFrom(const std::string& name) {
  const auto failure = ParseFailureKind(name);
  if (!failure) return UnknownName("failure", name);
  return *failure;
}

std::string EncodeConversation(const Conversation& conversation) {
  std::vector<std::string> texts;
  texts.reserve(conversation.size() * 2);
  for (const Message& message : conversation) {
    texts.emplace_back(RoleName(message.role));
    texts.push_back(message.content);
  }
  return EncodeList(texts);
}

Result<Conversation> DecodeConversation(std::string_view stored) {
  ARENA_ASSIGN_OR_RETURN(std::vector<std::string> texts, DecodeList(stored));
  if (texts.size() % 2 != 0) return UnknownName("conversation", "(a role without its text)");
  Conversation conversation;
  for (std::size_t i = 0; i < texts.size(); i += 2) {
    const auto role = ParseRole(texts[i]);
    if (!role) return UnknownName("role", texts[i]);
    conversation.push_back({*role, std::move(texts[i + 1])});
  }
  return conversation;
}

PartyRow MakeParty(const Key& key, const std::string& name, const std::string& family,
                   const std::string& behaviour) {
  PartyRow row;
  row.key = ToDb(key);
  row.name.Set(EncodeText(name));
  row.family = EncodeText(family);
  row.behaviour = EncodeText(behaviour);
  return row;
}

template <typename Party>
Result<Party> PartyFromRow(const PartyRow& row) {
  Party party;
  ARENA_ASSIGN_OR_RETURN(party.name, DecodeText(row.name.value));
  ARENA_ASSIGN_OR_RETURN(party.family, DecodeText(row.family));
  ARENA_ASSIGN_OR_RETURN(party.behaviour, DecodeText(row.behaviour));
  return party;
}

}  // namespace

DbKey ToDb(const Key& key) { return {ToSigned(key.high), ToSigned(key.low)}; }
Key FromDb(const DbKey& key) { return {FromSigned(key.high), FromSigned(key.low)}; }

bool GameRow::IsVerdictOnly() const {
  const bool no_usage = usage.prompt_tokens == 0 && usage.completion_tokens == 0 &&
                        usage.reasoning_tokens == 0 && usage.cached_tokens == 0 &&
                        usage.latency_ms == 0 && usage.cost_usd == 0;
  return no_usage && attempts == 1 && failure.empty() && error.empty() && raw_reply.empty();
}

std::size_t TextBytes(const InstructionRow& row) {
  return sizeof(row) + row.label.size() + row.category.size() + row.conversation.value.size() +
         row.reference.value.size() + row.source.size();
}
std::size_t TextBytes(const PartyRow& row) {
  return sizeof(row) + row.name.value.size() + row.family.size() + row.behaviour.size();
}
std::size_t TextBytes(const AnswerRow& row) {
  return sizeof(row) + row.finish_reason.size() + row.error.size() + row.turns.size() +
         row.reasoning.size() + row.raw_reply.size();
}
std::size_t TextBytes(const GameRow& row) {
  return sizeof(row) + row.error.size() + row.explanation.size() + row.raw_reply.size();
}
std::size_t TextBytes(const BattleRow& row) { return sizeof(row); }

InstructionRow ToRow(const Instruction& instruction) {
  InstructionRow row;
  row.key = ToDb(instruction.key);
  row.label = EncodeText(instruction.id);
  row.category = EncodeText(instruction.category);
  row.conversation.Set(EncodeConversation(instruction.conversation));
  if (instruction.reference) row.reference.Set(EncodeText(*instruction.reference));
  row.source = EncodeText(instruction.source);
  return row;
}

PartyRow ToRow(const Contestant& contestant) {
  return MakeParty(contestant.key(), contestant.name, contestant.family, contestant.behaviour);
}

PartyRow ToRow(const JudgeIdentity& judge) {
  return MakeParty(judge.key(), judge.name, judge.family, judge.behaviour);
}

Result<AnswerRow> ToRow(const Answer& answer) {
  const StyleCounts& style = answer.style;
  ARENA_RETURN_IF_ERROR(RequireFinite("answer", answer.key,
                                      {style.tokens, style.headers, style.lists, style.bold,
                                       answer.usage.latency_ms, answer.usage.cost_usd}));
  AnswerRow row;
  row.key = ToDb(answer.key);
  row.contestant_key = ToDb(answer.contestant);
  row.instruction_key = ToDb(answer.instruction);
  row.sample = answer.sample;
  row.state = WorkStateName(answer.state);
  row.failure = FailureKindName(answer.failure);
  row.attempts = answer.attempts;
  row.style = style;
  row.usage = ToColumns(answer.usage);
  row.finish_reason = EncodeText(answer.finish_reason);
  row.error = EncodeText(answer.error);
  row.turns = EncodeList(answer.turns);
  row.reasoning = EncodeText(answer.reasoning);
  row.raw_reply = EncodeText(answer.raw_reply);
  return row;
}

Result<GameRow> ToRow(const Game& game) {
  ARENA_RETURN_IF_ERROR(RequireFinite("game", game.key,
                                      {game.verdict.score_first, game.verdict.score_second,
                                       game.usage.latency_ms, game.usage.cost_usd}));
  GameRow row;
  row.key = ToDb(game.key);
  row.judge_key = ToDb(game.judge);
  row.state = WorkStateName(game.state);
  row.failure = FailureKindName(game.failure);
  row.attempts = game.attempts;
  row.score_first = game.verdict.score_first;
  row.score_second = game.verdict.score_second;
  row.usage = ToColumns(game.usage);
  row.error = EncodeText(game.error);
  row.explanation = EncodeText(game.verdict.explanation);
  row.raw_reply = EncodeText(game.raw_reply);
  return row;
}

Result<BattleRow> ToRow(const Battle& battle) {
  BattleRow row;
  row.key = ToDb(battle.key);
  row.instruction_key = ToDb(battle.instruction);
  row.contestant_a_key = ToDb(battle.contestant_a);
  row.contestant_b_key = ToDb(battle.contestant_b);
  row.judge_key = ToDb(battle.judge);
  row.answer_a = ToDb(battle.answer_a);
  row.answer_b = ToDb(battle.answer_b);
  row.game_ab = ToDb(battle.game_ab);
  row.game_ba = ToDb(battle.game_ba);
  return row;
}

Result<Instruction> FromRow(const InstructionRow& row) {
  Instruction instruction;
  instruction.key = FromDb(row.key);
  ARENA_ASSIGN_OR_RETURN(instruction.id, DecodeText(row.label));
  ARENA_ASSIGN_OR_RETURN(instruction.category, DecodeText(row.category));
  ARENA_ASSIGN_OR_RETURN(instruction.source, DecodeText(row.source));
  if (row.conversation.has_value()) {
    ARENA_ASSIGN_OR_RETURN(instruction.conversation, DecodeConversation(row.conversation.value));
  }
  if (row.reference.has_value()) {
    ARENA_ASSIGN_OR_RETURN(instruction.reference, DecodeText(row.reference.value));
  }
  return instruction;
}

Result<Contestant> ContestantFromRow(const PartyRow& row) { return PartyFromRow<Contestant>(row); }

Result<JudgeIdentity> JudgeFromRow(const PartyRow& row) { return PartyFromRow<JudgeIdentity>(row); }

Result<Answer> FromRow(const AnswerRow& row) {
  Answer answer;
  answer.key = FromDb(row.key);
  answer.contestant = FromDb(row.contestant_key);
  answer.instruction = FromDb(row.instruction_key);
  answer.sample = row.sample;
  ARENA_ASSIGN_OR_RETURN(answer.state, StateFrom(row.state));
  ARENA_ASSIGN_OR_RETURN(answer.failure, FailureFrom(row.failure));
  ARENA_ASSIGN_OR_RETURN(answer.error, DecodeText(row.error));
  answer.attempts = row.attempts;
  ARENA_ASSIGN_OR_RETURN(answer.turns, DecodeList(row.turns));
  ARENA_ASSIGN_OR_RETURN(answer.reasoning, DecodeText(row.reasoning));
  ARENA_ASSIGN_OR_RETURN(answer.finish_reason, DecodeText(row.finish_reason));
  ARENA_ASSIGN_OR_RETURN(answer.raw_reply, DecodeText(row.raw_reply));
  answer.usage = FromColumns(row.usage);
  answer.style = row.style;
  return answer;
}

Result<Game> FromRow(const GameRow& row) {
  Game game;
  game.key = FromDb(row.key);
  game.judge = FromDb(row.judge_key);
  ARENA_ASSIGN_OR_RETURN(game.state, StateFrom(row.state));
  ARENA_ASSIGN_OR_RETURN(game.failure, FailureFrom(row.failure));
  ARENA_ASSIGN_OR_RETURN(game.error, DecodeText(row.error));
  game.attempts = row.attempts;
  game.verdict.score_first = row.score_first;
  game.verdict.score_second = row.score_second;
  ARENA_ASSIGN_OR_RETURN(game.verdict.explanation, DecodeText(row.explanation));
  ARENA_ASSIGN_OR_RETURN(game.raw_reply, DecodeText(row.raw_reply));
  game.usage = FromColumns(row.usage);
  return game;
}

Battle FromRow(const BattleRow& row) {
  Battle battle;
  battle.key = FromDb(row.key);
  battle.instruction = FromDb(row.instruction_key);
  battle.contestant_a = FromDb(row.contestant_a_key);
  battle.contestant_b = FromDb(row.contestant_b_key);
  battle.answer_a = FromDb(row.answer_a);
  battle.answer_b = FromDb(row.answer_b);
  battle.judge = FromDb(row.judge_key);
  battle.game_ab = FromDb(row.game_ab);
  battle.game_ba = FromDb(row.game_ba);
  return battle;
}

}  // namespace arena::store
