#include "store/store.h"

#include "store/internal/schema.h"
#include "store/internal/sql_store.h"

namespace arena {

Result<std::unique_ptr<Store>> OpenStore(std::string_view where, const StoreOptions& options) {
  if (where.find("://") != std::string_view::npos) {
    return InvalidInput("the store must be the path of an SQLite file, not an address");
  }
  ARENA_ASSIGN_OR_RETURN(auto dialect, store::MakeSqliteDialect(where, options));
  return store::OpenSqlStore(std::move(dialect), options, store::Migrations());
}

}  // namespace arena
