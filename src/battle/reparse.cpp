#include "battle/reparse.h"

#include <fmt/format.h>

#include <unordered_map>
#include <utility>

#include "judge/stored_reply.h"

namespace arena {
namespace {

constexpr std::size_t kProblemsKept = 20;

bool SaysTheSame(const Game& before, const Game& after) {
  if (before.state != after.state || before.failure != after.failure) return false;
  if (after.state != WorkState::kDone) return before.error == after.error;
  return before.verdict.score_first == after.verdict.score_first &&
         before.verdict.score_second == after.verdict.score_second &&
         before.verdict.explanation == after.verdict.explanation;
}

/// One reading of a store. For one thread.
class Reparsing {
 public:
  explicit Reparsing(VerdictReading reading) : reading_(reading) {}

  void Add(const BattleDetail& detail) {
    bool is_linked = false;
    for (const auto* const game : {&detail.game_ab, &detail.game_ba}) {
      if (game->has_value()) is_linked = Changes(**game) || is_linked;
    }
    if (is_linked) battles_.push_back(detail.battle);
  }

  Status StoreTo(Store& store) const {
    std::vector<Game> games;
    for (const RevisedGame& change : report_.changes) games.push_back(change.after);
    ARENA_RETURN_IF_ERROR(store.ReviseGames(games, battles_));
    return store.Flush();
  }

  ReparseReport TakeReport() { return std::move(report_); }

 private:
  /// Whether the game reads otherwise; looked at once, however many battles share it.
  bool Changes(const Game& game) {
    const auto [entry, is_new] = changes_.try_emplace(game.key, false);
    if (is_new) entry->second = Read(game);
    return entry->second;
  }

  bool Read(const Game& stored) {
    ++report_.games;
    auto again = ReadStoredReply(stored, reading_);
    if (!again.ok()) {
      ++report_.unreadable;
      if (report_.problems.size() < kProblemsKept) {
        report_.problems.push_back(
            fmt::format("game {}: {}", stored.key.Hex().substr(0, 12), again.error().message));
      }
      return false;
    }
    if (!again->has_value()) {
      ++report_.without;
      return false;
    }
    RevisedGame change{stored, std::move(**again)};
    if (SaysTheSame(change.before, change.after)) return false;
    const bool was_done = change.before.state == WorkState::kDone;
    const bool is_done = change.after.state == WorkState::kDone;
    ++(was_done == is_done ? report_.other_verdict
       : is_done           ? report_.now_done
                           : report_.now_failed);
    change.before.raw_reply.clear();
    change.after.raw_reply.clear();
    report_.changes.push_back(std::move(change));
    return true;
  }

  const VerdictReading reading_;
  std::unordered_map<Key, bool, KeyHash> changes_;
  std::vector<Battle> battles_;
  ReparseReport report_;
};

}  // namespace

Result<ReparseReport> Reparse(Store& store, const BattleQuery& query, VerdictReading reading,
                              bool dry_run) {
  Reparsing reparsing(reading);
  ARENA_RETURN_IF_ERROR(store.ForEachDetail(query, [&](const BattleDetail& detail) -> Status {
    reparsing.Add(detail);
    return {};
  }));
  if (!dry_run) ARENA_RETURN_IF_ERROR(reparsing.StoreTo(store));
  return reparsing.TakeReport();
}

}  // namespace arena
