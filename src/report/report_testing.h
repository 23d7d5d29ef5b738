// Boards for this folder's tests, and comparison with approved files.
#pragma once

#include <string>
#include <string_view>

#include "rating/board.h"

namespace arena {

/// Passes when `text` is what tests/golden/report/`name` holds. With ARENA_UPDATE_GOLDEN=1 in the
/// environment the file is written instead: look at the difference before approving it.
void ExpectGolden(std::string_view name, const std::string& text);

/// A name that tries to act wherever it is shown.
extern const std::string kHostileName;

/// Four contestants with sandwich intervals, a complete matrix, no voids.
Board SmallBoard();

/// Everything that a board can have: bootstrap draws, voids, style, anchor, warnings, length
/// control, pairs that never met, hostile texts.
Board FullBoard();

/// `count` contestants with long and short names.
Board LargeBoard(int count);

}  // namespace arena
