// The closed loop: battle, select, train, evaluate, stage after stage. docs/flywheel.md.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/function_ref.h"
#include "base/result.h"
#include "core/contestant.h"
#include "core/conversation.h"
#include "core/game.h"
#include "flywheel/data_card.h"
#include "flywheel/loop_settings.h"
#include "flywheel/stage_tools.h"
#include "rating/board.h"

namespace arena {

/// What a run works with. References outlive it.
struct FlywheelParts {
  StageTrainer& trainer;
  StageServer& server;
  Judge& judge;
  const Clock& clock;
  std::string version;  ///< of this program, for the lineage
  /// A line that says what is happening; may come from several threads, one at a time.
  std::function<void(const std::string&)> on_progress;
  /// The board of the test set after each stage.
  std::function<Status(const Board&)> on_board;
  /// The data card as Markdown; null: no such file.
  std::function<std::string(const DataCard&)> describe = nullptr;
  bool retry_failed = false;  ///< play again what is stored as failed

  // Where the run is on the user's own models.
  /// Calls its sink with every instruction of the pool, of which the shards are drawn.
  std::function<Status(FunctionRef<Status(Instruction&&)> sink)> instructions = nullptr;
  std::vector<ChatModel*> rivals = {};  ///< as the settings name them
};

/// Runs all stages in `folder`, or goes on where an earlier run was ended, even by a kill: finished
/// parts are kept (state/), battles continue by the store, trainings by their checkpoints. With the
/// same settings, trainer, server and judge the data files and the board are the same, whether or
/// not it was ended in between. Errors: a folder with a run of other settings (the message says
/// what differs), kCancelled when the user interrupted, and those of the parts.
Status RunFlywheel(const FlywheelSettings& settings, const std::filesystem::path& folder,
                   const FlywheelParts& parts);

}  // namespace arena
