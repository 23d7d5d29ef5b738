// The schema, as a list of migrations that is only ever added to.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "store/internal/dialect.h"

namespace arena::store {

/// Brings a database of version `version - 1` to `version`.
struct Migration {
  int version;
  /// One statement each. `@identity` stands for the dialect's identity_column().
  std::span<const std::string_view> statements;
};

/// All migrations, from version 1 on.
std::span<const Migration> Migrations();

/// Creates the schema in an empty database, or migrates an older one, in one transaction. Errors:
/// the database belongs to another program or to a newer version of this one; after an error it is
/// as it was.
Status MigrateSchema(const Dialect& dialect, soci::session& session,
                     std::span<const Migration> migrations, std::int64_t now_s);

/// Checks, without writing, that the database is ours and of the newest version.
Status CheckSchema(const Dialect& dialect, soci::session& session,
                   std::span<const Migration> migrations);

}  // namespace arena::store
