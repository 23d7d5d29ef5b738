// Boards as JSON (docs/formats/board-json.md).
#pragma once

#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "rating/board.h"

namespace arena {

/// Which of a board's large parts go into its JSON; each grows with contestants squared or with
/// contestants times rounds.
struct BoardJsonOptions {
  bool win_matrix = false;
  bool draws = false;  ///< bootstrap draws, from which `arena agree` computes probabilities
};

/// The board as one object: method, ci, seed, battles, contestants and warnings first, then what
/// else there is. Numbers are rounded to 6 decimals and the members' order is fixed, so equal
/// boards give equal bytes. What is not finite is null.
Json BoardToJson(const Board& board, const BoardJsonOptions& options = {});

/// The first board's object; where there are more, with a last member "categories" that lists them.
/// An empty list gives null.
Json BoardsToJson(const std::vector<Board>& boards, const BoardJsonOptions& options = {});

/// Reads what BoardToJson wrote, and any object of this shape whose contestants have name, rating,
/// lower and upper: missing ranks are computed, other missing members keep their defaults, members
/// of other names are ignored. Errors (kInvalidInput) name the member: wrong types, no contestants,
/// a name twice, a lower bound above the upper one, a matrix or draws of another size.
Result<Board> BoardFromJson(const Json& json);

/// Sorts by rating (highest first, then by name) and sets each rank to 1 + the number of
/// contestants whose lower bound is above this one's upper bound.
void SortAndRank(Board& board);

}  // namespace arena
