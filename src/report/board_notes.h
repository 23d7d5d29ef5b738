// What a board's figures mean, in words; shared by every form of a report.
#pragma once

#include <string>
#include <vector>

#include "rating/board.h"

namespace arena {

/// "Bradley-Terry", "online Elo", ...; a method of another program's board as it is named there.
std::string MethodTitle(const Board& board);

/// "95% intervals: sandwich, clustered by instruction".
std::string IntervalTitle(const Board& board);

/// The board's facts in a fixed order, one short phrase each: method, intervals, seed, battles,
/// void battles, anchor.
std::vector<std::string> BoardFacts(const Board& board);

/// Sentences that explain the ratings, the intervals, the ranks, the counts, and voids and style
/// where there are any.
std::vector<std::string> BoardNotes(const Board& board);

/// Digits after the point of a rating: percentages need two to tell small ones apart.
int RatingDecimals(const Board& board);

/// Whether any contestant has void battles, so that their columns say something.
bool HasVoids(const Board& board);

/// Whether the board has length-controlled win rates.
bool HasLengthControl(const Board& board);

}  // namespace arena
