// A training as a folder: its data, its job, and what it continues.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "base/result.h"
#include "chat/training_data.h"
#include "chat/training_encoder.h"

namespace arena {

enum class Trainer { kSft, kDpo, kRewardModel, kPpo };
/// "sft", "dpo", "rm", "ppo".
std::string_view TrainerName(Trainer trainer);
/// What the rows of its --data are for.
TrainingTask TaskOf(Trainer trainer);

struct TrainingJobOptions {
  Trainer trainer = Trainer::kSft;
  std::filesystem::path model;
  std::filesystem::path out;                     ///< made if need be
  std::filesystem::path reward_model;            ///< empty: none
  std::vector<std::filesystem::path> data;       ///< one at least
  std::vector<std::filesystem::path> eval_data;  ///< of the same task; may be empty
  std::vector<std::filesystem::path> ptx_data;   ///< answers to learn; may be empty
  TrainingFormat format = TrainingFormat::kAuto;
  std::string chat_template;  ///< as in TrainingEncoder::Options
  TooLong too_long = TooLong::kSkip;
  bool skip_bad_rows = false;
  /// "KEY=VALUE", handed to the trainer as they are; max_tokens counts here, too.
  std::vector<std::string> settings;
  bool overwrite = false;  ///< start anew where `out` holds a training
  int rank = 0;  ///< ranks of a launcher beyond 0 keep data and job in a folder of their own
};

struct PreparedTraining {
  std::filesystem::path job;  ///< for `arena-lm train`
  std::filesystem::path log_folder;
  std::string template_source;  ///< empty: none
  std::vector<std::string> warnings;
  TrainingDataReport data;
  std::optional<TrainingDataReport> eval_data, ptx_data;
};

/// Encodes the data and writes, in `out` (ranks beyond 0: in out/data/rank-N), data/*.safetensors,
/// data/origin.json (what the training depends on) and job.json. `progress` gets the rows read of a
/// file. Errors: a setting that is no KEY=VALUE; those of TrainingEncoder and EncodeTrainingData; a
/// reward model with another vocabulary; an `out` that is the model, holds another training (it
/// says what differs) or a model of other origin.
Result<PreparedTraining> PrepareTraining(const TrainingJobOptions& options,
                                         FunctionRef<void(std::int64_t rows)> progress);

/// Copies the tokenizer's files and the chat template to the trained model in `out`.
Status CopyTokenizer(const TrainingJobOptions& options, const PreparedTraining& prepared);

}  // namespace arena
