// The run's database: everything durable, keyed by content.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/function_ref.h"
#include "base/result.h"
#include "core/battle.h"
#include "core/contestant.h"
#include "core/conversation.h"
#include "core/game.h"

namespace arena {

struct StoreOptions {
  int batch_rows = 1000;                      ///< the writer commits when this many rows wait ...
  std::chrono::milliseconds batch_time{200};  ///< ... or this long after the first of them
  bool read_only = false;
  /// What is committed also survives a loss of power; costs an fsync per commit. Without it a loss
  /// of power can take the last commits (never more, and the database stays whole); a kill of the
  /// process takes none either way.
  bool survive_power_loss = true;
  /// How long to wait for another process that is writing.
  std::chrono::milliseconds lock_patience{60'000};
  std::int64_t max_bytes = 0;    ///< the database may not grow beyond; 0: no limit
  const Clock* clock = nullptr;  ///< for the rows' time stamps; null: the system's
};

/// Which battles to read. Empty fields do not restrict. Naming a judge, a category or a contestant
/// that the store does not have is an error (kNotFound).
struct BattleQuery {
  std::string judge = {};  ///< name
  std::string category = {};
  std::vector<std::string> contestants = {};  ///< names: both sides must be among them
  std::string involving = {};                 ///< a contestant's name: one side must be it
  bool with_texts = false;                    ///< fill text_a and text_b (slower)
  bool with_superseded = false;  ///< include contestants and judges whose name now belongs to
                                 ///< another version
};

struct ContestantInfo {
  Key key;
  Contestant contestant;
  bool superseded = false;  ///< another contestant took the name later
  std::int64_t battles = 0;
};

/// `answers` and `games` are those that are done.
struct StoreCounts {
  std::int64_t instructions = 0;
  std::int64_t contestants = 0;
  std::int64_t answers = 0;
  std::int64_t failed_answers = 0;
  std::int64_t battles = 0;
  std::int64_t games = 0;
  std::int64_t failed_games = 0;
};

/// A battle with everything, for `arena show` and exports. An answer that is not stored is pending
/// and has only its keys; an instruction that was never put has only its key.
struct BattleDetail {
  Battle battle;
  Instruction instruction;
  Contestant contestant_a;
  Contestant contestant_b;
  JudgeIdentity judge;
  Answer answer_a;
  Answer answer_b;
  std::optional<Game> game_ab;
  std::optional<Game> game_ba;
};

/// Thread-safe. Puts go to one writer thread that groups commits; what Flush() has returned from is
/// durable against kill -9. Reads see committed rows. Same key, same row: a put of a key that is
/// done already changes nothing; one that failed may be replaced. Only ReviseGames changes what is
/// done.
class Store {
 public:
  virtual ~Store() = default;

  virtual Status PutInstructions(std::span<const Instruction> instructions) = 0;
  /// Makes `contestant` the holder of its name.
  virtual Status PutContestant(const Contestant& contestant) = 0;
  /// Makes `judge` the holder of its name.
  virtual Status PutJudge(const JudgeIdentity& judge) = 0;
  virtual Status PutAnswers(std::span<const Answer> answers) = 0;
  virtual Status PutGames(std::span<const Game> games) = 0;
  /// Battles are linked to their games by key; a battle put again takes the new game keys.
  virtual Status PutBattles(std::span<const Battle> battles) = 0;
  /// Gives games that are stored another state, failure, error and verdict, also where they are
  /// done; the rest of their rows stays. `battles` are those linked to them, as stored: they follow
  /// in the same transaction. For reading replies again, while no other process writes verdicts.
  virtual Status ReviseGames(std::span<const Game> games, std::span<const Battle> battles) = 0;
  /// Returns when everything put so far is committed, or the first error of a write.
  virtual Status Flush() = 0;

  /// In the order asked; nullopt where there is no such row.
  virtual Result<std::vector<std::optional<Answer>>> GetAnswers(std::span<const Key> keys) = 0;
  virtual Result<std::vector<std::optional<Game>>> GetGames(std::span<const Key> keys) = 0;
  /// Which of the keys are stored with state done; cheap.
  virtual Result<std::vector<bool>> HaveAnswers(std::span<const Key> keys) = 0;
  virtual Result<std::vector<bool>> HaveGames(std::span<const Key> keys) = 0;

  /// Battles in key order with memory that does not grow with their number. Games that are not
  /// done are void in the record. The instruction view is the instruction's key in hex.
  virtual Status ForEachBattle(const BattleQuery& query, BattleSink sink) = 0;
  /// The same battles with everything.
  virtual Status ForEachDetail(const BattleQuery& query,
                               FunctionRef<Status(const BattleDetail&)> sink) = 0;
  /// The battle whose key in hex starts with `prefix` (at least 4 digits). Errors: none, several.
  virtual Result<BattleDetail> FindBattle(std::string_view prefix) = 0;

  virtual Result<std::vector<ContestantInfo>> Contestants() = 0;
  /// The holders of their names.
  virtual Result<std::vector<JudgeIdentity>> Judges() = 0;
  virtual Result<StoreCounts> Counts() = 0;
};

/// An error unless the verdicts that a query for `judge` reads are of one judge: the store has it,
/// or, where `judge` is empty, it has no two.
Status CheckOneJudge(Store& store, const std::string& judge);

/// Opens (and, unless read_only, creates or migrates) the store. `where` is a file's path, for
/// SQLite. Errors: a database that is not ours, one of a newer version, no rights, no space.
Result<std::unique_ptr<Store>> OpenStore(std::string_view where, const StoreOptions& options);

}  // namespace arena
