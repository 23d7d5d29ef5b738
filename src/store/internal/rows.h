// Rows as they stand in the tables: what is bound to statements and read from them.
//
// Each row type has a Visit...() that names its columns once; statements for writing and for
// reading are both made from it, so that they cannot disagree.
#pragma once

#include <soci/soci.h>

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "base/result.h"
#include "core/battle.h"
#include "core/contestant.h"
#include "core/conversation.h"
#include "core/game.h"

namespace arena::store {

/// A key as two signed numbers in the order of keys: 2^63 is subtracted from each half.
struct DbKey {
  long long high = 0;
  long long low = 0;
  auto operator<=>(const DbKey&) const = default;
};
DbKey ToDb(const Key& key);
Key FromDb(const DbKey& key);

template <typename T>
struct Nullable {
  T value{};
  soci::indicator indicator = soci::i_null;
  bool has_value() const { return indicator == soci::i_ok; }
  void Set(T new_value) {
    value = std::move(new_value);
    indicator = soci::i_ok;
  }
};

struct InstructionRow {
  DbKey key;
  std::string label;  ///< Instruction::id
  std::string category;
  Nullable<std::string> conversation;  ///< null: mentioned by an answer or a battle, not put yet
  Nullable<std::string> reference;
  std::string source;
  long long stored_at = 0;
};

/// A contestant or a judge.
struct PartyRow {
  DbKey key;
  Nullable<std::string> name;  ///< null: mentioned, not put yet
  std::string family;
  std::string behaviour;
  long long stored_at = 0;
};

struct UsageColumns {
  long long prompt_tokens = 0;
  long long completion_tokens = 0;
  long long reasoning_tokens = 0;
  long long cached_tokens = 0;
  double latency_ms = 0;
  double cost_usd = 0;
};

struct AnswerRow {
  DbKey key;
  DbKey contestant_key;  // not columns of the table: the ids below stand there for them
  DbKey instruction_key;
  long long contestant = 0;
  long long instruction = 0;
  int sample = 0;
  std::string state;
  std::string failure;
  int attempts = 1;
  StyleCounts style;
  UsageColumns usage;
  long long stored_at = 0;
  std::string finish_reason;
  std::string error;
  std::string turns;
  std::string reasoning;
  std::string raw_reply;
};

struct GameRow {
  DbKey key;
  DbKey judge_key;
  long long judge = 0;
  std::string state;
  std::string failure;
  int attempts = 1;
  double score_first = 0;
  double score_second = 0;
  UsageColumns usage;
  long long stored_at = 0;
  std::string error;
  std::string explanation;
  std::string raw_reply;

  /// Done at the first attempt with nothing but a verdict: VisitVerdict() has all of it.
  bool IsVerdictOnly() const;
};

/// The scores of a game that is done, copied into the rows of its battles. They cannot become
/// stale: a game that is done changes only together with its battles (Store::ReviseGames).
struct ScoreCopy {
  Nullable<double> first;
  Nullable<double> second;
};

struct BattleRow {
  DbKey key;
  DbKey instruction_key;
  DbKey contestant_a_key;
  DbKey contestant_b_key;
  DbKey judge_key;
  long long instruction = 0;
  long long contestant_a = 0;
  long long contestant_b = 0;
  long long judge = 0;
  DbKey answer_a;
  DbKey answer_b;
  DbKey game_ab;
  DbKey game_ba;
  ScoreCopy ab;
  ScoreCopy ba;
};

/// Bytes that the row's texts take, for bounding queues.
std::size_t TextBytes(const InstructionRow& row);
std::size_t TextBytes(const PartyRow& row);
std::size_t TextBytes(const AnswerRow& row);
std::size_t TextBytes(const GameRow& row);
std::size_t TextBytes(const BattleRow& row);

InstructionRow ToRow(const Instruction& instruction);
PartyRow ToRow(const Contestant& contestant);
PartyRow ToRow(const JudgeIdentity& judge);
/// Errors: numbers that are not finite.
Result<AnswerRow> ToRow(const Answer& answer);
Result<GameRow> ToRow(const Game& game);
Result<BattleRow> ToRow(const Battle& battle);

/// Errors: texts or names that this program does not write.
Result<Instruction> FromRow(const InstructionRow& row);
Result<Contestant> ContestantFromRow(const PartyRow& row);
Result<JudgeIdentity> JudgeFromRow(const PartyRow& row);
Result<Answer> FromRow(const AnswerRow& row);
Result<Game> FromRow(const GameRow& row);
Battle FromRow(const BattleRow& row);

// The columns. `visit(name, member)` or `visit(name, Nullable)`; the key comes first.

template <typename Row, typename F>
void VisitKey(Row& row, F&& visit) {
  visit("key_high", row.key.high);
  visit("key_low", row.key.low);
}

template <typename Row, typename F>
void VisitInstruction(Row& row, F&& visit) {
  VisitKey(row, visit);
  visit("label", row.label);
  visit("category", row.category);
  visit("conversation", row.conversation);
  visit("reference", row.reference);
  visit("source", row.source);
  visit("stored_at", row.stored_at);
}

template <typename Row, typename F>
void VisitParty(Row& row, F&& visit) {
  VisitKey(row, visit);
  visit("name", row.name);
  visit("family", row.family);
  visit("behaviour", row.behaviour);
  visit("stored_at", row.stored_at);
}

template <typename Usage, typename F>
void VisitUsage(Usage& usage, F&& visit) {
  visit("prompt_tokens", usage.prompt_tokens);
  visit("completion_tokens", usage.completion_tokens);
  visit("reasoning_tokens", usage.reasoning_tokens);
  visit("cached_tokens", usage.cached_tokens);
  visit("latency_ms", usage.latency_ms);
  visit("cost_usd", usage.cost_usd);
}

template <typename Row, typename F>
void VisitAnswer(Row& row, F&& visit) {
  VisitKey(row, visit);
  visit("contestant", row.contestant);
  visit("instruction", row.instruction);
  visit("sample", row.sample);
  visit("state", row.state);
  visit("failure", row.failure);
  visit("attempts", row.attempts);
  visit("style_tokens", row.style.tokens);
  visit("style_headers", row.style.headers);
  visit("style_lists", row.style.lists);
  visit("style_bold", row.style.bold);
  VisitUsage(row.usage, visit);
  visit("stored_at", row.stored_at);
  visit("finish_reason", row.finish_reason);
  visit("error", row.error);
  visit("turns", row.turns);
  visit("reasoning", row.reasoning);
  visit("raw_reply", row.raw_reply);
}

template <typename Row, typename F>
void VisitVerdict(Row& row, F&& visit) {
  VisitKey(row, visit);
  visit("judge", row.judge);
  visit("state", row.state);
  visit("score_first", row.score_first);
  visit("score_second", row.score_second);
  visit("stored_at", row.stored_at);
  visit("explanation", row.explanation);
}

/// What a verdict read again from the same replies can change.
template <typename Row, typename F>
void VisitRevised(Row& row, F&& visit) {
  VisitVerdict(row, visit);
  visit("failure", row.failure);
  visit("error", row.error);
}

template <typename Row, typename F>
void VisitGame(Row& row, F&& visit) {
  VisitVerdict(row, visit);
  visit("failure", row.failure);
  visit("attempts", row.attempts);
  VisitUsage(row.usage, visit);
  visit("error", row.error);
  visit("raw_reply", row.raw_reply);
}

template <typename Row, typename F>
void VisitBattle(Row& row, F&& visit) {
  VisitKey(row, visit);
  visit("instruction", row.instruction);
  visit("contestant_a", row.contestant_a);
  visit("contestant_b", row.contestant_b);
  visit("judge", row.judge);
  visit("answer_a_high", row.answer_a.high);
  visit("answer_a_low", row.answer_a.low);
  visit("answer_b_high", row.answer_b.high);
  visit("answer_b_low", row.answer_b.low);
  visit("game_ab_high", row.game_ab.high);
  visit("game_ab_low", row.game_ab.low);
  visit("game_ba_high", row.game_ba.high);
  visit("game_ba_low", row.game_ba.low);
  visit("ab_first", row.ab.first);
  visit("ab_second", row.ab.second);
  visit("ba_first", row.ba.first);
  visit("ba_second", row.ba.second);
}

}  // namespace arena::store
