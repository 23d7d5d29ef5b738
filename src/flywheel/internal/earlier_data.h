// Rows of earlier selections that are trained on again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "flywheel/internal/training_files.h"
#include "flywheel/selection.h"

namespace arena::flywheel {

/// Decides which rows stay: none that the test set asks, none twice, none of a battle that is
/// selected anew, and of the rest as many as the ratio of replay allows, drawn by the seed.
class EarlierData {
 public:
  /// `new_rows` and `new_battles` are those of the selection at hand. Errors: a file without its
  /// provenance or card, of another kind or format, or whose lines are not as many.
  static Result<EarlierData> Plan(const SelectionSettings& settings, const SelectionInputs& inputs,
                                  const std::unordered_set<Key, KeyHash>& new_battles,
                                  std::int64_t new_rows);

  /// Adds the rows that stay, in their order.
  Status CopyTo(TrainingFiles& files) const;

  const CardEarlier& counts() const { return counts_; }
  /// The files, for the card.
  const std::vector<CardInput>& inputs() const { return inputs_; }

 private:
  struct Row {
    double draw = 0;
    bool stays = false;
  };

  Status PlanFile(const std::filesystem::path& file, const SelectionSettings& settings,
                  const TestSet* test_set, const std::unordered_set<Key, KeyHash>& new_battles);
  void DrawRows(std::int64_t most);

  std::vector<std::filesystem::path> files_;
  std::vector<std::vector<Row>> rows_;  ///< of each file
  std::unordered_set<Key, KeyHash> seen_;
  CardEarlier counts_;
  std::vector<CardInput> inputs_;
};

}  // namespace arena::flywheel
