// Boards as CSV (RFC 4180), and leaderboards of others read from CSV.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "rating/board.h"

namespace arena {

/// A header and one row per contestant: rank, name, rating, lower, upper, battles, win_rate; then
/// lc_win_rate, and void_share, win_rate_voids_lost and win_rate_voids_won, where a board has them.
/// With several boards, or one of a category, the first column is category (empty: all). Numbers
/// have up to 6 decimals; an empty field is a number that does not exist. Names are written as they
/// are: a spreadsheet may take one that begins with '=' for a formula. Rows end with "\r\n".
std::string BoardsCsv(const std::vector<Board>& boards);
std::string BoardCsv(const Board& board);

/// Which columns of a leaderboard's CSV hold what.
struct BoardCsvColumns {
  std::string name = "name";
  std::string rating = "rating";
  std::string lower = "lower";  ///< lower and upper both empty: intervals without width
  std::string upper = "upper";
};

/// Reads a leaderboard from CSV text (comma or tab separated, with a header row), sorts and ranks
/// it. `where` names the file in errors. Errors (kInvalidInput, "FILE:LINE: ..."): a column that is
/// not there, no rows, what is not a number, a name empty or twice, a lower bound above the upper.
Result<Board> BoardFromCsv(std::string_view text, const BoardCsvColumns& columns,
                           std::string_view where);

}  // namespace arena
