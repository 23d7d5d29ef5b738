// Tables of nothing but votes: model_a, model_b, winner. Votes carry so little that most of a long
// table repeat earlier ones, so each different row is read once and then only counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "base/result.h"
#include "core/battle.h"
#include "formats/internal/lmsys_columns.h"
#include "formats/internal/row_log.h"

namespace arena {

/// Where the columns of a table of votes stand.
struct VoteLayout {
  std::size_t model_a = 0;
  std::size_t model_b = 0;
  std::size_t winner = 0;
  std::size_t columns = 0;
  char delimiter = ',';
};

/// Nothing where the three columns are not there, or any other that a battle is read from is.
std::optional<VoteLayout> FindVoteLayout(const std::vector<std::string>& header, char delimiter,
                                         const LmsysColumns& name);

/// Counts the rows of a piece of such a table, in memory bounded by the number of different rows
/// that it takes. Not thread-safe.
class VoteCounts {
 public:
  /// `rows` begins with a row and holds no quote. It outlives this.
  VoteCounts(const VoteLayout& layout, std::string_view rows);

  /// Counts rows from the front, up to one that is not a plain vote, that is not whole, or that is
  /// one different row too many. Returns how many bytes that were.
  std::size_t Count();

  /// Hands each different battle over, in the order of their first rows, with the number of its
  /// rows. Stops at the first error of `sink`.
  Status Deliver(RowLog& log,
                 FunctionRef<Status(const BattleRecord&, std::uint32_t times)> sink) const;

 private:
  struct Row {
    std::uint32_t offset = 0;  ///< of its first appearance
    std::uint32_t times = 0;   ///< 0: the place is free
  };

  struct Vote {
    std::string_view model_a;
    std::string_view model_b;
    double share_a = 0;
  };

  bool CountRow(std::string_view row, std::size_t slot);
  std::optional<Vote> Parse(std::string_view row) const;

  VoteLayout layout_;
  std::string_view bytes_;
  std::vector<Row> table_;            ///< the different rows; open addressing
  std::vector<std::uint32_t> slots_;  ///< that are taken, in the order of the rows
};

}  // namespace arena
