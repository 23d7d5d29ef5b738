#include "store/internal/directory.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "base/nearest.h"
#include "store/internal/sql.h"
#include "store/internal/statement.h"
#include "store/internal/text_code.h"

namespace arena::store {
namespace {

std::vector<Party> ReadParties(soci::session& session, std::string_view sql) {
  Party party;
  int superseded = 0;
  soci::statement statement(session);
  BindInto(statement, party.id);
  VisitParty(party.row, [&](std::string_view, auto& member) { BindInto(statement, member); });
  BindInto(statement, superseded);
  statement.alloc();
  statement.prepare(std::string(sql));
  statement.define_and_bind();
  statement.execute(false);
  std::vector<Party> parties;
  while (statement.fetch()) {
    party.superseded = superseded != 0;
    parties.push_back(party);
  }
  return parties;
}

template <typename T>
T& SlotOf(std::vector<T>& table, long long id) {
  const auto index = static_cast<std::size_t>(id);
  if (index >= table.size()) table.resize(index + 1);
  return table[index];
}

Error NoSuch(std::string_view what, const std::string& name,
             const std::vector<Directory::Name>& names) {
  std::vector<std::string_view> known;
  for (const Directory::Name& entry : names) {
    if (entry.known) known.push_back(entry.name);
  }
  std::string message = fmt::format("the store has no {} named '{}'", what, name);
  if (const auto nearest = NearestName(name, known)) {
    message += fmt::format(", did you mean '{}'?", *nearest);
  }
  std::sort(known.begin(), known.end());
  known.erase(std::unique(known.begin(), known.end()), known.end());
  return NotFound(fmt::format("{}; it has: {}", message, fmt::join(known, ", ")));
}

Result<std::vector<Directory::Name>> NamesOf(const std::vector<Party>& parties) {
  std::vector<Directory::Name> names;
  for (const Party& party : parties) {
    Directory::Name& entry = SlotOf(names, party.id);
    entry.known = party.row.name.has_value();
    if (!entry.known) continue;
    ARENA_ASSIGN_OR_RETURN(entry.name, DecodeText(party.row.name.value));
  }
  return names;
}

bool HasName(const std::vector<Directory::Name>& names, const std::string& name) {
  return std::any_of(names.begin(), names.end(), [&](const Directory::Name& entry) {
    return entry.known && entry.name == name;
  });
}

}  // namespace

std::vector<Party> ReadContestants(soci::session& session) {
  return ReadParties(session, kContestantsSql);
}

std::vector<Party> ReadJudges(soci::session& session) { return ReadParties(session, kJudgesSql); }

Result<Directory> Directory::Read(soci::session& session, const BattleQuery& query) {
  Directory directory;
  ARENA_RETURN_IF_ERROR(directory.ReadContestantNames(session, query));
  ARENA_RETURN_IF_ERROR(directory.ReadJudgeNames(session, query));
  ARENA_RETURN_IF_ERROR(directory.ReadInstructionNames(session, query));
  return directory;
}

Status Directory::ReadContestantNames(soci::session& session, const BattleQuery& query) {
  const std::vector<Party> parties = ReadContestants(session);
  ARENA_ASSIGN_OR_RETURN(contestants_, NamesOf(parties));
  for (const std::string& name : query.contestants) {
    if (!HasName(contestants_, name)) return NoSuch("contestant", name, contestants_);
  }
  if (!query.involving.empty() && !HasName(contestants_, query.involving)) {
    return NoSuch("contestant", query.involving, contestants_);
  }
  for (const Party& party : parties) {
    Name& entry = SlotOf(contestants_, party.id);
    entry.involved = query.involving.empty() || entry.name == query.involving;
    const bool named = query.contestants.empty() ||
                       std::find(query.contestants.begin(), query.contestants.end(), entry.name) !=
                           query.contestants.end();
    entry.wanted = named && (query.with_superseded || !party.superseded);
  }
  return {};
}

Status Directory::ReadJudgeNames(soci::session& session, const BattleQuery& query) {
  const std::vector<Party> parties = ReadJudges(session);
  ARENA_ASSIGN_OR_RETURN(judges_, NamesOf(parties));
  if (!query.judge.empty() && !HasName(judges_, query.judge)) {
    return NoSuch("judge", query.judge, judges_);
  }
  for (const Party& party : parties) {
    Name& entry = SlotOf(judges_, party.id);
    const bool named = query.judge.empty() || entry.name == query.judge;
    entry.wanted = named && (query.with_superseded || !party.superseded);
  }
  return {};
}

Status Directory::ReadInstructionNames(soci::session& session, const BattleQuery& query) {
  long long id = 0;
  DbKey key;
  std::string category;
  soci::statement statement(session);
  BindInto(statement, id);
  BindInto(statement, key);
  BindInto(statement, category);
  statement.alloc();
  statement.prepare(std::string(kInstructionNamesSql));
  statement.define_and_bind();
  statement.execute(false);
  std::unordered_map<std::string, std::uint32_t> index_of;
  while (statement.fetch()) {
    const auto next = static_cast<std::uint32_t>(categories_.size());
    const auto [found, is_new] = index_of.try_emplace(category, next);
    if (is_new) {
      ARENA_ASSIGN_OR_RETURN(std::string name, DecodeText(category));
      categories_.push_back(std::move(name));
    }
    SlotOf(instructions_, id) = {FromDb(key), found->second};
  }
  if (query.category.empty()) return {};
  const auto wanted = index_of.find(EncodeText(query.category));
  if (wanted == index_of.end()) {
    return NotFound(
        fmt::format("the store has no instruction of the category '{}'", query.category));
  }
  wanted_category_ = wanted->second;
  return {};
}

}  // namespace arena::store
