// A text in pieces, and how they are split further.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "text/rendered_prompt.h"

namespace arena {

/// Text in pieces. The pieces are not empty, in order and do not overlap; what is in none was
/// removed.
struct PieceList {
  std::string text;
  std::vector<Span> pieces;
};

/// What becomes of the matches of a pattern, as the reference names it.
enum class SplitBehavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };

/// Told the place of each match in a piece, from left to right.
using MatchVisitor = FunctionRef<void(std::size_t begin, std::size_t end)>;

/// Splits each piece at the matches that `find_matches(piece, visitor)` tells of; `invert`: at what
/// lies between them.
void SplitPieces(FunctionRef<void(std::string_view, MatchVisitor)> find_matches,
                 SplitBehavior behavior, bool invert, PieceList& list);

/// Writes each piece anew: `rewrite(piece, begin, out)` appends what it becomes; `begin` is its
/// place in the old text.
void RewritePieces(FunctionRef<void(std::string_view, std::size_t, std::string&)> rewrite,
                   PieceList& list);

}  // namespace arena
