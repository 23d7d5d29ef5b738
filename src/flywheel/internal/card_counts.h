// The parts of a data card that follow from what became of each battle.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "flywheel/data_card.h"
#include "flywheel/internal/candidate.h"
#include "flywheel/internal/rows.h"

namespace arena::flywheel {

/// Fills the counts of battles, instructions, pairs, categories, margins and difficulties.
void CountCandidates(const std::vector<Candidate>& candidates,
                     const std::vector<std::string>& names,
                     const std::vector<std::string>& categories, DataCard& card);

/// Lengths and sources of the new rows. Not thread-safe.
class RowCounts {
 public:
  void Add(const SelectedRow& row, TrainingKind kind);
  void Fill(DataCard& card) const;

 private:
  struct Lengths {
    std::vector<double> characters;
    std::vector<double> tokens;
    void Add(std::string_view text);
  };
  Lengths prompts_;  ///< all messages of a prompt together
  Lengths answers_;
  Lengths rejected_;
  std::map<std::string, std::int64_t> answers_from_;
};

}  // namespace arena::flywheel
