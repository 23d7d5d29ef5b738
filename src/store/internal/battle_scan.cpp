#include "store/internal/battle_scan.h"

#include <fmt/core.h>

#include <algorithm>

#include "store/internal/directory.h"
#include "store/internal/sql.h"
#include "store/internal/text_code.h"
#include "store/internal/transaction.h"

namespace arena::store {
namespace {

/// One row of kScanSql.
struct ScanRow {
  long long id = 0;
  long long instruction = 0;
  long long contestant_a = 0;
  long long contestant_b = 0;
  long long judge = 0;
  DbKey answer_a;
  DbKey answer_b;
  ScoreCopy ab;
  ScoreCopy ba;
};

/// One row of kScanGamesSql.
struct GamesRow {
  DbKey game_ba;
  ScoreCopy ab;
  ScoreCopy ba;
};

void BindScores(soci::statement& statement, ScoreCopy& scores) {
  BindInto(statement, scores.first);
  BindInto(statement, scores.second);
}

/// A battle that the query wants, with the names behind its ids.
struct Match {
  const ScanRow& row;
  const Directory::Name& contestant_a;
  const Directory::Name& contestant_b;
  const Directory::Name& judge;
  const Directory::InstructionName& instruction;
};

/// Runs kScanSql, filtered by the query; at most one at a time on a connection.
class Scan {
 public:
  Scan(soci::session& session, const Directory& directory)
      : directory_(directory), statement_(session) {
    for (long long* id :
         {&row_.id, &row_.instruction, &row_.contestant_a, &row_.contestant_b, &row_.judge}) {
      BindInto(statement_, *id);
    }
    BindInto(statement_, row_.answer_a);
    BindInto(statement_, row_.answer_b);
    BindScores(statement_, row_.ab);
    BindScores(statement_, row_.ba);
    statement_.alloc();
    statement_.prepare(std::string(kScanSql));
    statement_.define_and_bind();
  }

  Status ForEach(FunctionRef<Status(const Match&)> deliver) {
    statement_.execute(false);
    while (statement_.fetch()) {
      const Directory::Name* a = directory_.contestant(row_.contestant_a);
      const Directory::Name* b = directory_.contestant(row_.contestant_b);
      const Directory::Name* judge = directory_.judge(row_.judge);
      const Directory::InstructionName* instruction = directory_.instruction(row_.instruction);
      if (a == nullptr || b == nullptr || judge == nullptr || instruction == nullptr) {
        return Incomplete("that the store does not have");
      }
      if (!a->known || !b->known || !judge->known) return Incomplete("that was never put");
      if (!a->wanted || !b->wanted || !judge->wanted) continue;
      if (!a->involved && !b->involved) continue;
      if (!directory_.WantsCategory(instruction->category)) continue;
      ARENA_RETURN_IF_ERROR(deliver({row_, *a, *b, *judge, *instruction}));
    }
    return {};
  }

 private:
  Error Incomplete(std::string_view why) const {
    return IoError(fmt::format(
        "battle number {} refers to a contestant, a judge or an instruction {}", row_.id, why));
  }

  const Directory& directory_;
  ScanRow row_;
  soci::statement statement_;
};

/// The style counts of answers. An answer takes part in many battles. Each key has one slot, which
/// the next key of that slot takes.
class StyleCache {
 public:
  explicit StyleCache(Reader& reader) : reader_(reader), slots_(kSlots) {}

  const std::optional<StyleCounts>& Of(const DbKey& answer) {
    Slot& slot = slots_[static_cast<std::size_t>(answer.low) & (kSlots - 1)];
    if (!slot.used || slot.answer != answer) {
      slot = {answer, reader_.FindStyle(FromDb(answer)), true};
    }
    return slot.style;
  }

 private:
  struct Slot {
    DbKey answer;
    std::optional<StyleCounts> style;
    bool used = false;
  };
  static constexpr std::size_t kSlots = 1 << 18;
  Reader& reader_;
  std::vector<Slot> slots_;
};

void AppendHex(std::uint64_t value, char* out) {
  for (int digit = 15; digit >= 0; --digit, value >>= 4)
    out[digit] = "0123456789abcdef"[value & 15];
}

/// Makes records of scanned rows. The record's views point into it.
class RecordMaker {
 public:
  RecordMaker(Reader& reader, const Directory& directory, bool with_texts)
      : reader_(reader),
        directory_(directory),
        with_texts_(with_texts),
        styles_(reader),
        games_(reader.session()) {
    BindInto(games_, games_row_.game_ba);
    BindScores(games_, games_row_.ab);
    BindScores(games_, games_row_.ba);
    games_.exchange(soci::use(battle_id_, "id"));
    games_.alloc();
    games_.prepare(std::string(kScanGamesSql));
    games_.define_and_bind();
  }

  Result<const BattleRecord*> Make(const Match& match) {
    AppendHex(match.instruction.key.high, instruction_hex_);
    AppendHex(match.instruction.key.low, instruction_hex_ + 16);
    record_.instruction = {instruction_hex_, sizeof instruction_hex_};
    record_.category = directory_.category(match.instruction.category);
    record_.judge = match.judge.name;
    record_.model_a = match.contestant_a.name;
    record_.model_b = match.contestant_b.name;
    SetGames(match.row);
    if (!with_texts_) {
      record_.style_a = styles_.Of(match.row.answer_a);
      record_.style_b = styles_.Of(match.row.answer_b);
      return &record_;
    }
    ARENA_RETURN_IF_ERROR(ReadAnswer(match.row.answer_a, text_a_, record_.style_a));
    ARENA_RETURN_IF_ERROR(ReadAnswer(match.row.answer_b, text_b_, record_.style_b));
    record_.text_a = text_a_;
    record_.text_b = text_b_;
    return &record_;
  }

 private:
  /// `first` and `second` are of the seats.
  static GameOutcome OutcomeOf(const ScoreCopy& scores, bool a_first) {
    if (!scores.first.has_value() || !scores.second.has_value()) {
      return {.a_first = a_first, .is_void = true};
    }
    return ScoredGame(a_first, scores.first.value, scores.second.value);
  }

  void SetGames(const ScanRow& row) {
    const ScoreCopy* ab = &row.ab;
    const ScoreCopy* ba = &row.ba;
    record_.game_count = 2;
    if (!ab->first.has_value() || !ba->first.has_value()) {
      // Not done when the battle was put; a game may be done since.
      battle_id_ = row.id;
      games_.execute(true);
      while (games_.fetch()) {
      }
      ab = &games_row_.ab;
      ba = &games_row_.ba;
      if (FromDb(games_row_.game_ba) == Key{}) record_.game_count = 1;
    }
    record_.games = {OutcomeOf(*ab, true), OutcomeOf(*ba, false)};
  }

  Status ReadAnswer(const DbKey& key, std::string& text, std::optional<StyleCounts>& style) {
    text.clear();
    style.reset();
    const StyleTurns* answer = reader_.FindStyleTurns(FromDb(key));
    if (answer == nullptr) return {};
    style = answer->style;
    ARENA_ASSIGN_OR_RETURN(std::vector<std::string> turns, DecodeList(answer->turns));
    if (!turns.empty()) text = std::move(turns.back());
    return {};
  }

  Reader& reader_;
  const Directory& directory_;
  const bool with_texts_;
  StyleCache styles_;
  long long battle_id_ = 0;
  GamesRow games_row_;
  soci::statement games_;
  char instruction_hex_[32];
  std::string text_a_;
  std::string text_b_;
  BattleRecord record_;
};

/// Reads whole battles by id.
class DetailMaker {
 public:
  explicit DetailMaker(Reader& reader) : reader_(reader), battle_(reader.session()) {
    contestants_ = ReadContestants(reader.session());
    judges_ = ReadJudges(reader.session());
    VisitBattle(row_, [&](std::string_view, auto& member) { BindInto(battle_, member); });
    for (DbKey* key :
         {&row_.instruction_key, &row_.contestant_a_key, &row_.contestant_b_key, &row_.judge_key}) {
      BindInto(battle_, *key);
    }
    battle_.exchange(soci::use(id_, "id"));
    battle_.alloc();
    battle_.prepare(BattleSql());
    battle_.define_and_bind();
  }

  Result<BattleDetail> Make(long long id) {
    id_ = id;
    if (!battle_.execute(true)) return IoError(fmt::format("battle number {} is incomplete", id));
    while (battle_.fetch()) {
    }
    BattleDetail detail;
    detail.battle = FromRow(row_);
    const Battle& battle = detail.battle;
    ARENA_RETURN_IF_ERROR(ReadParties(detail));
    ARENA_ASSIGN_OR_RETURN(auto instruction, reader_.FindInstruction(battle.instruction));
    if (instruction) detail.instruction = std::move(*instruction);
    ARENA_ASSIGN_OR_RETURN(detail.answer_a, AnswerOr(battle.answer_a, battle.contestant_a));
    ARENA_ASSIGN_OR_RETURN(detail.answer_b, AnswerOr(battle.answer_b, battle.contestant_b));
    ARENA_ASSIGN_OR_RETURN(detail.game_ab, reader_.FindGame(battle.game_ab));
    ARENA_ASSIGN_OR_RETURN(detail.game_ba, reader_.FindGame(battle.game_ba));
    return detail;
  }

 private:
  static const PartyRow& RowOf(const std::vector<Party>& parties, long long id) {
    static const PartyRow kNone;
    const auto found = std::find_if(parties.begin(), parties.end(),
                                    [id](const Party& party) { return party.id == id; });
    return found == parties.end() ? kNone : found->row;
  }

  Status ReadParties(BattleDetail& detail) const {
    const PartyRow& a = RowOf(contestants_, row_.contestant_a);
    const PartyRow& b = RowOf(contestants_, row_.contestant_b);
    ARENA_ASSIGN_OR_RETURN(detail.contestant_a, ContestantFromRow(a));
    ARENA_ASSIGN_OR_RETURN(detail.contestant_b, ContestantFromRow(b));
    ARENA_ASSIGN_OR_RETURN(detail.judge, JudgeFromRow(RowOf(judges_, row_.judge)));
    return {};
  }

  /// The answer, or a pending one where it is not stored.
  Result<Answer> AnswerOr(const Key& key, const Key& contestant) {
    ARENA_ASSIGN_OR_RETURN(auto found, reader_.FindAnswer(key));
    if (found) return std::move(*found);
    Answer answer;
    answer.key = key;
    answer.contestant = contestant;
    answer.instruction = FromDb(row_.instruction_key);
    answer.state = WorkState::kPending;
    answer.attempts = 0;
    return answer;
  }

  Reader& reader_;
  std::vector<Party> contestants_;
  std::vector<Party> judges_;
  long long id_ = 0;
  BattleRow row_;
  soci::statement battle_;
};

/// The first and the last key that start with the hexadecimal digits `prefix`.
Result<std::pair<Key, Key>> KeyRange(std::string_view prefix) {
  constexpr std::size_t kLeast = 4;
  constexpr std::size_t kDigits = 32;
  std::string low(prefix);
  std::transform(low.begin(), low.end(), low.begin(),
                 [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c; });
  std::string high = low;
  low.resize(std::max(kDigits, low.size()), '0');
  high.resize(std::max(kDigits, high.size()), 'f');
  const auto first = Key::FromHex(low);
  const auto last = Key::FromHex(high);
  if (prefix.size() < kLeast || !first || !last) {
    return InvalidInput(
        fmt::format("'{}' does not name a battle: give {} to {} hexadecimal digits of its key",
                    EncodeText(prefix), kLeast, kDigits));
  }
  return std::pair(*first, *last);
}

}  // namespace

Status ScanBattles(Reader& reader, const BattleQuery& query, BattleSink sink) {
  const ReadTransaction transaction(reader.session());
  ARENA_ASSIGN_OR_RETURN(const Directory directory, Directory::Read(reader.session(), query));
  RecordMaker maker(reader, directory, query.with_texts);
  Scan scan(reader.session(), directory);
  return scan.ForEach([&](const Match& match) -> Status {
    ARENA_ASSIGN_OR_RETURN(const BattleRecord* record, maker.Make(match));
    return sink(*record);
  });
}

Status ScanDetails(Reader& reader, const BattleQuery& query,
                   FunctionRef<Status(const BattleDetail&)> sink) {
  const ReadTransaction transaction(reader.session());
  ARENA_ASSIGN_OR_RETURN(const Directory directory, Directory::Read(reader.session(), query));
  DetailMaker maker(reader);
  Scan scan(reader.session(), directory);
  return scan.ForEach([&](const Match& match) -> Status {
    ARENA_ASSIGN_OR_RETURN(const BattleDetail detail, maker.Make(match.row.id));
    return sink(detail);
  });
}

Result<BattleDetail> FindDetail(Reader& reader, std::string_view prefix) {
  ARENA_ASSIGN_OR_RETURN(const auto range, KeyRange(prefix));
  const ReadTransaction transaction(reader.session());
  DbKey from = ToDb(range.first);
  const DbKey to = ToDb(range.second);
  long long id = 0;
  DbKey key;
  soci::statement statement(reader.session());
  BindInto(statement, id);
  BindInto(statement, key);
  statement.exchange(soci::use(from.high, "key_high"));
  statement.exchange(soci::use(from.low, "key_low"));
  statement.alloc();
  statement.prepare(std::string(kFindBattleSql));
  statement.define_and_bind();
  std::vector<long long> found;
  std::string keys;
  statement.execute(false);
  while (statement.fetch()) {
    if (key > to) continue;
    found.push_back(id);
    keys += fmt::format("{}{}", keys.empty() ? "" : " and ", FromDb(key).Hex());
  }
  if (found.empty()) return NotFound(fmt::format("no battle's key starts with '{}'", prefix));
  if (found.size() > 1) {
    return InvalidInput(fmt::format(
        "'{}' starts the keys of several battles ({}); give more digits", prefix, keys));
  }
  return DetailMaker(reader).Make(found.front());
}

}  // namespace arena::store
