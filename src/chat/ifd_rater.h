// Instruction-following difficulty of answers, by a local checkpoint.
#pragma once

#include "chat/local_model.h"
#include "core/instruction_rater.h"

namespace arena {

/// IFD (Li et al. 2023, "From Quantity to Quality"): how much the instruction helps to predict its
/// answer. Perplexity of the closing answer after its conversation, divided by its perplexity after
/// an empty question in the same chat template; the perplexity is exp of the mean negative
/// log-probability of the answer's tokens, end of text included. Below 1 the instruction helps; the
/// nearer to 1, the harder. An item without a closing answer, or too long for the model's context,
/// has none.
class IfdRater : public InstructionRater {
 public:
  /// `model` must outlive it. `threads` answers are scored at once.
  IfdRater(LocalModel& model, unsigned threads) : model_(model), threads_(threads) {}
  std::string name() const override { return "ifd"; }
  /// Error: the model's workers have failed for good.
  Result<std::vector<std::optional<double>>> Rate(std::span<const PoolItem> items) override;

 private:
  Result<double> IfdOf(const PoolItem& item);

  LocalModel& model_;
  unsigned threads_;
};

}  // namespace arena
