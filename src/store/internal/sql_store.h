// The store on an SQL database.
#pragma once

#include <memory>

#include "base/clock.h"
#include "store/internal/dialect.h"
#include "store/internal/reader.h"
#include "store/internal/schema.h"
#include "store/internal/writer.h"
#include "store/store.h"

namespace arena::store {

/// Opens the database of `dialect` with the schema of `migrations`.
Result<std::unique_ptr<Store>> OpenSqlStore(std::unique_ptr<Dialect> dialect,
                                            const StoreOptions& options,
                                            std::span<const Migration> migrations);

}  // namespace arena::store
