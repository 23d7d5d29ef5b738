#include "store/ledger.h"

#include <fmt/format.h>

#include <string_view>
#include <unordered_map>

#include "store/internal/dialect.h"
#include "store/internal/directory.h"
#include "store/internal/statement.h"
#include "store/internal/text_code.h"
#include "store/store.h"

namespace arena::store {
namespace {

struct LedgerSums {
  long long id = 0;
  long long done = 0;
  long long failed = 0;
  long long attempts = 0;
  long long prompt = 0;
  long long completion = 0;
  long long reasoning = 0;
  long long cached = 0;
  double latency_ms = 0;
  double cost_usd = 0;
};

// By contestant of `answer`, or by judge of `game`.
std::string SumsSql(std::string_view table, std::string_view party) {
  return fmt::format(
      "SELECT {0}, SUM(CASE WHEN state = 'done' THEN 1 ELSE 0 END), "
      "SUM(CASE WHEN state = 'failed' THEN 1 ELSE 0 END), SUM(attempts), SUM(prompt_tokens), "
      "SUM(completion_tokens), SUM(reasoning_tokens), SUM(cached_tokens), SUM(latency_ms), "
      "SUM(cost_usd) FROM {1} GROUP BY {0} ORDER BY {0}",
      party, table);
}

std::vector<LedgerSums> ReadSums(soci::session& session, std::string_view table,
                                 std::string_view party) {
  LedgerSums sums;
  soci::statement statement(session);
  for (long long* member : {&sums.id, &sums.done, &sums.failed, &sums.attempts, &sums.prompt,
                            &sums.completion, &sums.reasoning, &sums.cached}) {
    BindInto(statement, *member);
  }
  BindInto(statement, sums.latency_ms);
  BindInto(statement, sums.cost_usd);
  statement.alloc();
  statement.prepare(SumsSql(table, party));
  statement.define_and_bind();
  statement.execute(false);
  std::vector<LedgerSums> all;
  while (statement.fetch()) all.push_back(sums);
  return all;
}

LedgerLine LineOf(const LedgerSums& sums, bool is_judge) {
  LedgerLine line;
  line.is_judge = is_judge;
  line.done = sums.done;
  line.failed = sums.failed;
  line.attempts = sums.attempts;
  line.usage.prompt_tokens = sums.prompt;
  line.usage.completion_tokens = sums.completion;
  line.usage.reasoning_tokens = sums.reasoning;
  line.usage.cached_tokens = sums.cached;
  line.usage.latency_ms = sums.latency_ms;
  line.usage.cost_usd = sums.cost_usd;
  return line;
}

Status AddLines(soci::session& session, const std::vector<Party>& parties, bool is_judge,
                std::vector<LedgerLine>& lines) {
  std::unordered_map<long long, const Party*> by_id;
  for (const Party& party : parties) by_id.emplace(party.id, &party);
  const auto sums =
      is_judge ? ReadSums(session, "game", "judge") : ReadSums(session, "answer", "contestant");
  for (const LedgerSums& sum : sums) {
    LedgerLine line = LineOf(sum, is_judge);
    const auto found = by_id.find(sum.id);
    if (found != by_id.end() && found->second->row.name.has_value()) {
      ARENA_ASSIGN_OR_RETURN(line.name, DecodeText(found->second->row.name.value));
      line.superseded = found->second->superseded;
    }
    lines.push_back(std::move(line));
  }
  return {};
}

Result<std::vector<LedgerLine>> ReadLines(soci::session& session) {
  std::vector<LedgerLine> lines;
  ARENA_RETURN_IF_ERROR(AddLines(session, ReadContestants(session), false, lines));
  ARENA_RETURN_IF_ERROR(AddLines(session, ReadJudges(session), true, lines));
  return lines;
}

}  // namespace
}  // namespace arena::store

namespace arena {

Result<std::vector<LedgerLine>> ReadLedger(std::string_view where) {
  const StoreOptions options{.read_only = true};
  // Knows whether it is a store of ours, and of this version.
  ARENA_ASSIGN_OR_RETURN(const auto opened, OpenStore(where, options));
  ARENA_ASSIGN_OR_RETURN(const auto dialect, store::MakeSqliteDialect(where, options));
  return store::Guarded(*dialect, "read", [&]() -> Result<std::vector<LedgerLine>> {
    ARENA_ASSIGN_OR_RETURN(const auto session, dialect->Connect(store::Access::kRead));
    return store::ReadLines(*session);
  });
}

}  // namespace arena
