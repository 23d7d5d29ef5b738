// What a flywheel run showed, read from its folder: the figures of its report.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "flywheel/data_card.h"
#include "flywheel/status.h"
#include "rating/board.h"

namespace arena {

/// A training's figure over its steps.
struct TrainingCurve {
  std::string name;    ///< of the checkpoint: "SFT-I1", "RM-I1"
  std::string metric;  ///< of metrics.jsonl: "loss", "accuracy", "reward"
  std::vector<std::pair<std::int64_t, double>> points;  ///< means over at most 120 spans of steps
};

/// A selected battle of the target, for people to read.
struct BattleExample {
  std::string category;
  std::string prompt;
  std::string target_answer;
  double target_score = 0;  ///< mean of both games
  std::string rival;
  std::string rival_answer;
  double rival_score = 0;
};

/// What a stage showed beside its status.
struct StageDetails {
  /// Of 10: ten minus the mean score of the rivals' answers, who are the same in all stages; the
  /// mean over the instructions of the shard, and over those selected. None: no battles.
  std::optional<double> difficulty;
  std::optional<double> difficulty_selected;
  std::vector<CardPair> battles;  ///< of the target (`a`) with each rival, on the shard
  std::vector<std::pair<std::string, std::int64_t>> answers_from;  ///< whose answers are learned
  std::vector<TrainingCurve> curves;
  std::vector<BattleExample> examples;  ///< at most three
};

/// Battles and time of a whole run.
struct FlywheelTotals {
  std::int64_t battles = 0;     ///< on shards and test set, two games each
  double battle_seconds = 0;    ///< answers included
  double training_seconds = 0;  ///< of stages and reward models
  double setup_seconds = 0;     ///< base and rivals
  double seconds = 0;           ///< all of the above and what is between
};

/// Of test instructions, those whose answer has the full score, by contestant and category.
using ExactByCategory = std::map<std::string, std::map<std::string, double>>;

struct FlywheelReport {
  std::uint64_t seed = 0;
  std::int64_t test_prompts = 0;  ///< instructions of the test set
  std::string judge;
  std::string version;  ///< of the program that trained; empty: no stage is finished
  FlywheelStatus status;
  Board board;  ///< of the last evaluation; empty: none yet
  std::vector<StageDetails> stages;  ///< as status.stages
  std::map<std::string, double> exact_match;  ///< by contestant, over all test instructions
  ExactByCategory exact;
  FlywheelTotals totals;
};

/// May be called while the run goes on. Errors: a folder without a run, damaged files.
Result<FlywheelReport> ReadFlywheelReport(const std::filesystem::path& folder);

}  // namespace arena
