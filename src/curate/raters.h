// Ratings that need no model: length, and what the data says.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/instruction_rater.h"

namespace arena {

/// Characters (code points) of the prompt.
class LengthRater : public InstructionRater {
 public:
  std::string name() const override { return "length"; }
  Result<std::vector<std::optional<double>>> Rate(std::span<const PoolItem> items) override;
};

/// PoolItem::score.
class RecordedRater : public InstructionRater {
 public:
  /// `column`: what the score is called in the data.
  explicit RecordedRater(std::string column) : column_(std::move(column)) {}
  std::string name() const override { return "column " + column_; }
  Result<std::vector<std::optional<double>>> Rate(std::span<const PoolItem> items) override;

 private:
  std::string column_;
};

}  // namespace arena
