// Who trains and who answers for a stage of the loop.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "chat/endpoint_options.h"
#include "chat/training_job.h"
#include "core/contestant.h"

namespace arena {

/// A training of a stage. Its result in `job.out` is a function of the job.
struct StageTraining {
  std::string name;  ///< for progress: "SFT-I1"
  TrainingJobOptions job;
  unsigned workers = 1;
};

/// Trains. Thread-safe.
class StageTrainer {
 public:
  /// Gets "step 10 of 100, loss 1.234", or what else says how far it is.
  using OnProgress = std::function<void(const std::string&)>;
  virtual ~StageTrainer() = default;
  /// Leaves a checkpoint with its tokenizer in job.out; goes on where an earlier call was killed.
  /// Errors: kCancelled when the user interrupted; what was trained so far is kept.
  virtual Status Train(const StageTraining& training, const OnProgress& on_progress) = 0;
};

/// A checkpoint that answers.
struct StageContestant {
  std::string name;
  std::filesystem::path checkpoint;
  double temperature = 0;
  std::uint64_t seed = 0;
  std::int64_t max_new_tokens = 16;
};

/// Makes contestants of checkpoints. Thread-safe.
class StageServer {
 public:
  virtual ~StageServer() = default;
  /// Starts what answers; it lives as long as the result.
  virtual Result<std::unique_ptr<ChatModel>> Serve(const StageContestant& contestant) = 0;
};

/// Trains with arena-lm beside this program.
std::unique_ptr<StageTrainer> MakeNativeTrainer();

/// What a command that trains may hold in braces; docs/flywheel.md. "{settings}" alone is an
/// argument KEY=VALUE for each setting; the others the environment has in capitals, too: ARENA_BASE
/// and so on.
inline constexpr auto kTrainerPlaceholders =
    std::to_array<std::string_view>({"trainer", "base", "data", "ptx_data", "reward_model", "out",
                                     "job", "name", "seed", "settings"});

/// A program that trains.
struct CommandTrainerOptions {
  /// By trainer ("sft", "dpo", "rm", "ppo"): program and arguments, with kTrainerPlaceholders.
  std::map<std::string, std::vector<std::string>, std::less<>> commands;
  std::vector<std::string> environment;                ///< "NAME=VALUE"
  std::filesystem::path folder;                        ///< in which it works; empty: this process's
  std::chrono::seconds timeout{7 * 86400};             ///< of one attempt
  std::int64_t attempts = 1;                           ///< in all, when one fails
  std::vector<std::string> outputs = {"config.json"};  ///< what {out} must hold at the end
};
/// Trains with a program of the user's, which gets its data as one file, and leaves a log beside
/// the checkpoint. Errors of Train: a program that cannot be started, fails, takes too long, or
/// leaves no checkpoint, with the end of its log.
std::unique_ptr<StageTrainer> MakeCommandTrainer(CommandTrainerOptions options);
/// Answers with arena-lm, `workers` processes for each contestant.
std::unique_ptr<StageServer> MakeNativeServer(unsigned workers);

/// What the texts of a server may hold in braces: the checkpoint's folder, its last part, and a
/// free port on the loopback address, another at each start.
inline constexpr auto kServerPlaceholders =
    std::to_array<std::string_view>({"model", "name", "port"});

/// A server that makes a checkpoint answer.
struct EndpointServerOptions {
  std::vector<std::string> command;      ///< starts it; empty: it runs already
  std::vector<std::string> environment;  ///< "NAME=VALUE"
  std::filesystem::path folder;          ///< in which the command works; empty: this process's
  std::filesystem::path log_folder;      ///< made if need be: NAME.log of each checkpoint
  std::string health;                    ///< address that answers 200 when the model is there
  std::chrono::seconds patience{600};    ///< until it does
  EndpointOptions endpoint;              ///< address and model hold placeholders
  /// Makes the model that asks; what it made must outlive the server's contestants.
  std::function<Result<std::unique_ptr<ChatModel>>(const EndpointOptions&)> make_model;
};
/// The server of a checkpoint runs until another checkpoint is served. Errors of Serve: it does not
/// start or is not healthy in time, with the end of its log; kCancelled.
std::unique_ptr<StageServer> MakeEndpointServer(EndpointServerOptions options);

}  // namespace arena
