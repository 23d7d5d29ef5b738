// Checkpoints of a run: all that it needs to go on as if it had never stopped.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/rng.h"
#include "train/parameters.h"

namespace arena::train {

/// Where a run stands, apart from its tensors.
struct TrainingState {
  std::int64_t step = 0;                         ///< steps done
  std::int64_t epoch = 0;                        ///< passes over the data done
  std::int64_t data_position = 0;                ///< examples of the current pass done
  std::map<std::string, std::int64_t> counters;  ///< such as the steps of each optimizer
  std::map<std::string, double>
      numbers;  ///< such as adaptive coefficients and running sums; finite
  std::map<std::string, Rng::State> generators;
  std::string job;  ///< a hash of the job: what another job left is not gone on from

  bool operator==(const TrainingState&) const = default;
};

/// A tensor of float32 in the caller's memory, which saving reads and loading fills.
struct StateTensor {
  TensorSpec spec;
  std::span<float> values;
};

/// The tensors of NAME.safetensors in a checkpoint.
struct StateFile {
  std::string name;  ///< "model", "optimizer", "value_model"
  std::vector<StateTensor> tensors;
};

/// Adds the ranges of `buffer` to `file`; the names are `prefix` and the parameters' names.
void AddTensors(std::span<const ParameterRange> ranges, std::string_view prefix,
                std::span<float> buffer, StateFile& file);

/// The checkpoints of one run, in folders named step-00000100. docs/formats/training-checkpoint.md
/// has the format. One process at a time may save. Not thread-safe.
class TrainingCheckpoints {
 public:
  struct Loaded {
    TrainingState state;
    std::filesystem::path path;
    std::vector<std::string> warnings;  ///< of newer checkpoints that could not be used
  };

  /// `folder` is made by the first Save; `keep` checkpoints stay, at least 1.
  TrainingCheckpoints(std::filesystem::path folder, int keep);

  /// Writes a checkpoint beside the others and gives it its name when all of it is on the disk;
  /// only then removes those beyond the newest `keep`, and those of later steps than this one.
  /// Returns its path. After an error (disk full, no rights) the earlier checkpoints are as they
  /// were.
  Result<std::filesystem::path> Save(const TrainingState& state, std::span<const StateFile> files);

  /// Fills the tensors from the newest checkpoint that is whole, every byte checked; damaged ones
  /// are skipped with a warning. Nothing: there are no checkpoints. Errors, upon which the tensors
  /// are as they were: none of them is whole; the newest whole one is another job's.
  Result<std::optional<Loaded>> LoadNewest(std::string_view job,
                                           std::span<const StateFile> files) const;

 private:
  Status WriteAndPublish(const TrainingState& state, std::span<const StateFile> files,
                         const std::filesystem::path& temporary,
                         const std::filesystem::path& path) const;
  void RemoveOthers(std::int64_t step) const;

  std::filesystem::path folder_;
  std::size_t keep_;
};

}  // namespace arena::train
