#include <fmt/core.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "store/internal/dialect.h"

namespace arena::store {
namespace {

// "AREN", in the file's header (PRAGMA application_id).
constexpr int kApplicationId = 0x4152454E;

constexpr int kPageBytes = 4096;
// Checkpoints copy each changed page once, so rarer ones write less: 64 MiB of log.
constexpr int kCheckpointPages = 16384;
constexpr int kWriterCacheKib = 64 * 1024;
constexpr int kReaderCacheKib = 16 * 1024;
// Waiting longer is the writer's own loop, which polls more often than SQLite does.
constexpr int kConnectionTimeoutSeconds = 10;

class SqliteDialect final : public Dialect {
 public:
  SqliteDialect(std::string path, const StoreOptions& options)
      : path_(std::move(path)),
        read_only_(options.read_only),
        full_sync_(options.survive_power_loss),
        max_bytes_(options.max_bytes) {}

  const std::string& where() const override { return path_; }

  Result<std::unique_ptr<soci::session>> Connect(Access access) const override {
    std::error_code ignored;  // what hides the file's presence shows when it is opened
    if ((read_only_ || access == Access::kRead) && !std::filesystem::exists(path_, ignored)) {
      return NotFound(fmt::format("there is no store {}", path_));
    }
    std::string parameters = fmt::format("db=\"{}\" timeout={}", path_, kConnectionTimeoutSeconds);
    if (read_only_) parameters += " readonly=1";
    auto session = std::make_unique<soci::session>(soci::sqlite3, parameters);
    if (access == Access::kRead) {
      *session << "PRAGMA query_only = 1";
      *session << fmt::format("PRAGMA cache_size = -{}", kReaderCacheKib);
    }
    return session;
  }

  Identity Identify(soci::session& session) const override {
    int application_id = 0;
    int objects = 0;
    // In this order: another process may create the store between the two, and its objects without
    // its mark would look like a stranger's.
    session << "SELECT COUNT(*) FROM sqlite_master", soci::into(objects);
    session << "PRAGMA application_id", soci::into(application_id);
    if (application_id == kApplicationId) return objects > 0 ? Identity::kOurs : Identity::kEmpty;
    return application_id == 0 && objects == 0 ? Identity::kEmpty : Identity::kForeign;
  }

  void MarkAsOurs(soci::session& session) const override {
    session << fmt::format("PRAGMA application_id = {}", kApplicationId);
  }

  Status Configure(soci::session& session) const override {
    std::string mode;
    session << fmt::format("PRAGMA synchronous = {}", full_sync_ ? "FULL" : "NORMAL");
    session << fmt::format("PRAGMA page_size = {}", kPageBytes);
    SwitchToWal(session, mode);
    if (mode != "wal") {
      return IoError(
          fmt::format("cannot use a write-ahead log for {}: put the store on a local disk", path_));
    }
    session << fmt::format("PRAGMA wal_autocheckpoint = {}", kCheckpointPages);
    session << fmt::format("PRAGMA cache_size = -{}", kWriterCacheKib);
    if (max_bytes_ > 0) {
      session << fmt::format("PRAGMA max_page_count = {}", max_bytes_ / kPageBytes);
    }
    return {};
  }

  std::string_view identity_column() const override { return "INTEGER PRIMARY KEY"; }

  bool TryBeginWrite(soci::session& session) const override {
    // IMMEDIATE takes the write lock now: a transaction that read first could find on its first
    // write that another process had written meanwhile, and would have to start again.
    session << "PRAGMA busy_timeout = 0";
    bool begun = true;
    try {
      session << "BEGIN IMMEDIATE";
    } catch (const soci::sqlite3_soci_error& error) {
      if (!IsBusy(error.result())) throw;
      begun = false;
    }
    session << fmt::format("PRAGMA busy_timeout = {}", kConnectionTimeoutSeconds * 1000);
    return begun;
  }

  Error CurrentError(std::string_view doing) const override {
    try {
      throw;
    } catch (const soci::sqlite3_soci_error& error) {
      return FromCode(error.result(), doing);
    } catch (const soci::soci_error& error) {
      // Without the context that SOCI adds: that has the bound values.
      return InternalError(
          fmt::format("cannot {} {}: {}", doing, path_, error.get_error_message()));
    } catch (const std::bad_alloc&) {
      return IoError(fmt::format("cannot {} {}: out of memory", doing, path_));
    } catch (const std::exception& error) {
      return InternalError(fmt::format("cannot {} {}: {}", doing, path_, error.what()));
    }
  }

 private:
  /// SQLite does not wait by itself here: a process that opens the same new file may be switching
  /// it, too, and each holds what the other wants for a moment.
  static void SwitchToWal(soci::session& session, std::string& mode) {
    constexpr auto kPoll = std::chrono::milliseconds(1);
    const auto deadline =
        std::chrono::steady_clock::now() + std::chrono::seconds(kConnectionTimeoutSeconds);
    while (true) {
      try {
        session << "PRAGMA journal_mode = WAL", soci::into(mode);
        return;
      } catch (const soci::sqlite3_soci_error& error) {
        if (!IsBusy(error.result()) || std::chrono::steady_clock::now() > deadline) throw;
      }
      std::this_thread::sleep_for(kPoll);
    }
  }

  static bool IsBusy(int code) {
    const int primary = code & 0xFF;
    return primary == SQLITE_BUSY || primary == SQLITE_LOCKED;
  }

  Error FromCode(int code, std::string_view doing) const {
    const std::string what =
        fmt::format("cannot {} {}: {}", doing, path_, sqlite_api::sqlite3_errstr(code));
    switch (code & 0xFF) {
      case SQLITE_BUSY:
      case SQLITE_LOCKED:
        return {ErrorCode::kUnavailable, what + " by another process; try again"};
      case SQLITE_FULL:
        return IoError(what + "; free space on its disk, then run the same command again");
      case SQLITE_NOTADB:
        return InvalidInput(what + "; name another file for the store");
      case SQLITE_CANTOPEN:
      case SQLITE_READONLY:
      case SQLITE_PERM:
      case SQLITE_AUTH:
        return IoError(what + "; check that the folder exists and that you may write there");
      case SQLITE_CORRUPT:
        return IoError(what + "; restore it from a copy, or recover it with sqlite3's .recover");
      case SQLITE_IOERR:
      case SQLITE_NOMEM:
      case SQLITE_TOOBIG:
        return IoError(what);
      default:
        return InternalError(what);
    }
  }

  const std::string path_;
  const bool read_only_;
  const bool full_sync_;
  const std::int64_t max_bytes_;
};

}  // namespace

Result<std::unique_ptr<Dialect>> MakeSqliteDialect(std::string_view path,
                                                   const StoreOptions& options) {
  // Every connection to ":memory:" or "" would have a database of its own.
  if (path.empty() || path == ":memory:") {
    return InvalidInput("the store needs the path of a file");
  }
  if (path.find('"') != std::string_view::npos || path.find('\0') != std::string_view::npos) {
    return InvalidInput(fmt::format("the store's path {} has a quote in it; rename it", path));
  }
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return InvalidInput(fmt::format("{} is a folder; the store needs the path of a file", path));
  }
  std::unique_ptr<Dialect> dialect = std::make_unique<SqliteDialect>(std::string(path), options);
  return dialect;
}

}  // namespace arena::store
