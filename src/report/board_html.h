// Boards as one stand-alone HTML page.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rating/board.h"

namespace arena {

/// A whole page: for each board (the first is usually that of all categories) an interval plot, the
/// table, the win matrix where the board has one, the style coefficients and warnings; then notes
/// on how to read the figures. It needs no script and no other file, its Content-Security-Policy
/// forbids both, and everything that comes from a board is escaped. Light and dark, narrow screens
/// and paper are provided for. The same boards give the same bytes.
std::string BoardHtml(const std::vector<Board>& boards, std::string_view title);

}  // namespace arena
