// Files of verdicts read by several threads at once.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/result.h"
#include "core/battle.h"
#include "formats/verdicts.h"

namespace arena {

/// The battles of one block of a file, in order. Used by one thread at a time.
class BattleBlock {
 public:
  virtual ~BattleBlock() = default;
  /// `times` is 1 unless BattleBlocks::merges().
  virtual Status Add(const BattleRecord& battle, std::uint32_t times) = 0;
};

/// Makes blocks and joins them again.
class BattleBlocks {
 public:
  virtual ~BattleBlocks() = default;
  /// Whether battles that are alike may come as one, with their number, in the order of the first.
  virtual bool merges() const { return false; }
  /// Called from several threads at once.
  virtual std::unique_ptr<BattleBlock> Open() = 0;
  /// Called by the reading thread in the order in which the blocks stand in the files.
  virtual Status Close(std::unique_ptr<BattleBlock> block) = 0;
};

/// As ReadVerdicts, on up to `threads` threads (0: all). Large CSV files of votes without quotes
/// are read in several blocks at once; everything else is one block. The joined blocks hold the
/// same battles in the same order whatever the number of threads, and the first error in the files'
/// order is the one returned.
Result<ReadReport> ReadVerdictsInBlocks(VerdictFormat format,
                                        std::span<const std::filesystem::path> files,
                                        const VerdictOptions& options, unsigned threads,
                                        BattleBlocks& blocks);

}  // namespace arena
