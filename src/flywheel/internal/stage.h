// One stage: battle, select, train, evaluate.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "flywheel/internal/run_folder.h"
#include "flywheel/internal/state_file.h"
#include "flywheel/loop.h"
#include "flywheel/test_set.h"
#include "store/store.h"

namespace arena::flywheel_internal {

/// What the stages of a run share.
struct RunContext {
  const FlywheelSettings& settings;
  const RunFolder& folder;
  const FlywheelParts& parts;
  std::vector<StagePlan> stages;
  std::unique_ptr<Store> battles;  ///< on the shards
  std::unique_ptr<Store> tests;    ///< on the test set
  TestSet test_set;
  std::vector<Instruction> test_instructions;
  std::vector<ChatModel*> rivals = {};
  std::vector<std::unique_ptr<ChatModel>> mini_rivals = {};  ///< who they are in the mini world
  std::vector<Contestant> checkpoints = {};                  ///< of the stages and controls so far
  std::string target = {};  ///< the stage whose checkpoint the next one starts from; empty: base
};

/// Goes through the parts of the stage that are not done and adds its checkpoint to the context.
/// False: the run ends here by its rule for stages that lower the rating.
Result<bool> RunStage(RunContext& context, std::size_t index, StateFile& state);

}  // namespace arena::flywheel_internal
