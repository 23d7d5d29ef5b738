#include "store/store.h"

#include <fmt/format.h>

#include <algorithm>

#include "store/internal/schema.h"
#include "store/internal/sql_store.h"

namespace arena {

Status CheckOneJudge(Store& store, const std::string& judge) {
  ARENA_ASSIGN_OR_RETURN(const auto judges, store.Judges());
  std::vector<std::string> names;
  for (const JudgeIdentity& identity : judges) names.push_back(identity.name);
  if (judge.empty()) {
    if (names.size() < 2) return {};
    return InvalidInput(
        fmt::format("the store has verdicts of several judges; choose one with "
                    "--judge: {}",
                    fmt::join(names, ", ")));
  }
  if (std::find(names.begin(), names.end(), judge) != names.end()) return {};
  return InvalidInput(
      fmt::format("the store has no judge \"{}\"; it has: {}", judge, fmt::join(names, ", ")));
}

Result<std::unique_ptr<Store>> OpenStore(std::string_view where, const StoreOptions& options) {
  if (where.find("://") != std::string_view::npos) {
    return InvalidInput("the store must be the path of an SQLite file, not an address");
  }
  ARENA_ASSIGN_OR_RETURN(auto dialect, store::MakeSqliteDialect(where, options));
  return store::OpenSqlStore(std::move(dialect), options, store::Migrations());
}

}  // namespace arena
