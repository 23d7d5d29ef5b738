// A contestant that is a checkpoint on this machine.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "chat/local_model.h"
#include "core/contestant.h"

namespace arena {

/// Answers by arena-lm in the deterministic mode: the instructions of one RespondAll run as one
/// unit, turn by turn. Thread-safe.
class LocalContestant final : public ChatModel {
 public:
  struct Options {
    std::string name;    ///< in boards
    std::string family;  ///< empty: none
    LocalModelOptions model;
    std::string system_prompt;  ///< put in front of conversations that have none
    Sampling sampling;          ///< the seed of an answer is made of this one, messages and sample
    std::int64_t max_new_tokens = 0;  ///< 0: as many as the context leaves
    std::vector<std::string> stop;
    /// An answer that reaches the limit of tokens counts as it is; otherwise it is failed (kLength)
    /// and its battles are void.
    bool keep_cut = false;
  };

  /// Starts the workers. Errors: those of LocalModel::Load.
  static Result<std::unique_ptr<LocalContestant>> Load(const Options& options);

  /// Its behaviour is {"kind":"local", "version", "precision", "system_prompt", sampling ...}.
  const Contestant& contestant() const override { return contestant_; }
  bool answers_as_unit() const override { return true; }
  Result<Answer> Respond(const Instruction& instruction, int sample) override;
  /// An answer of a prompt that does not fit the context is failed (kApi). Error of an answer: the
  /// workers have failed for good.
  std::vector<std::optional<Result<Answer>>> RespondAll(
      std::span<const Instruction* const> instructions, int sample, unsigned threads) override;

 private:
  struct Turns;
  LocalContestant(Options options, std::unique_ptr<LocalModel> model);
  void AskTurn(std::vector<Turns*>& open);

  Options options_;
  std::unique_ptr<LocalModel> model_;
  Contestant contestant_;
};

}  // namespace arena
