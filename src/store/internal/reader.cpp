#include "store/internal/reader.h"

#include "store/internal/sql.h"

namespace arena::store {
namespace {

void BindAnswer(soci::statement& statement, AnswerRow& row) {
  VisitAnswer(row, [&](std::string_view, auto& member) { BindInto(statement, member); });
  BindInto(statement, row.contestant_key);
  BindInto(statement, row.instruction_key);
}

void BindGame(soci::statement& statement, GameRow& row) {
  VisitGame(row, [&](std::string_view, auto& member) { BindInto(statement, member); });
  BindInto(statement, row.judge_key);
}

void BindInstruction(soci::statement& statement, InstructionRow& row) {
  VisitInstruction(row, [&](std::string_view, auto& member) { BindInto(statement, member); });
}

void BindId(soci::statement& statement, long long& id) { BindInto(statement, id); }

void BindStyle(soci::statement& statement, StyleCounts& style) {
  BindInto(statement, style.tokens);
  BindInto(statement, style.headers);
  BindInto(statement, style.lists);
  BindInto(statement, style.bold);
}

void BindStyleTurns(soci::statement& statement, StyleTurns& target) {
  BindStyle(statement, target.style);
  BindInto(statement, target.turns);
}

template <typename Target, typename Bind>
Lookup<Target>& Prepared(std::unique_ptr<Lookup<Target>>& lookup, soci::session& session,
                         std::string_view sql, Bind bind) {
  if (!lookup) lookup = std::make_unique<Lookup<Target>>(session, sql, bind);
  return *lookup;
}

/// What a row holds, or nothing where there is none.
template <typename T, typename Row>
Result<std::optional<T>> Decoded(const Row* row) {
  if (row == nullptr) return std::optional<T>();
  ARENA_ASSIGN_OR_RETURN(T value, FromRow(*row));
  return std::optional<T>(std::move(value));
}

}  // namespace

Result<std::optional<Answer>> Reader::FindAnswer(const Key& key) {
  auto& lookup = Prepared(answer_, *session_, AnswerSql(), BindAnswer);
  return Decoded<Answer>(lookup.Find(ToDb(key)));
}

Result<std::optional<Game>> Reader::FindGame(const Key& key) {
  auto& lookup = Prepared(game_, *session_, GameSql(), BindGame);
  return Decoded<Game>(lookup.Find(ToDb(key)));
}

Result<std::optional<Instruction>> Reader::FindInstruction(const Key& key) {
  auto& lookup = Prepared(instruction_, *session_, InstructionSql(), BindInstruction);
  return Decoded<Instruction>(lookup.Find(ToDb(key)));
}

bool Reader::HaveAnswer(const Key& key) {
  auto& lookup = Prepared(have_answer_, *session_, HaveSql("answer"), BindId);
  return lookup.Find(ToDb(key)) != nullptr;
}

bool Reader::HaveGame(const Key& key) {
  auto& lookup = Prepared(have_game_, *session_, HaveSql("game"), BindId);
  return lookup.Find(ToDb(key)) != nullptr;
}

std::optional<StyleCounts> Reader::FindStyle(const Key& answer) {
  const auto* style = Prepared(style_, *session_, kStyleSql, BindStyle).Find(ToDb(answer));
  return style == nullptr ? std::nullopt : std::optional(*style);
}

const StyleTurns* Reader::FindStyleTurns(const Key& answer) {
  return Prepared(style_turns_, *session_, kStyleTurnsSql, BindStyleTurns).Find(ToDb(answer));
}

ReaderPool::Lease::~Lease() {
  if (reader_) pool_->Return(std::move(reader_));
}

Result<ReaderPool::Lease> ReaderPool::Get() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<Reader> reader = std::move(idle_.back());
      idle_.pop_back();
      return Lease(*this, std::move(reader));
    }
  }
  ARENA_ASSIGN_OR_RETURN(auto session, dialect_.Connect(Access::kRead));
  return Lease(*this, std::make_unique<Reader>(std::move(session)));
}

void ReaderPool::Return(std::unique_ptr<Reader> reader) {
  const std::lock_guard lock(mutex_);
  if (idle_.size() < kMostIdle) idle_.push_back(std::move(reader));
}

}  // namespace arena::store
