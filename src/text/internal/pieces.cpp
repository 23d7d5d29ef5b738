#include "text/internal/pieces.h"

#include <algorithm>
#include <utility>

namespace arena {
namespace {

/// A stretch of a piece, and whether the pattern matched it.
struct Stretch {
  Span span;
  bool match;
};

void AppendPiece(Span span, std::vector<Span>& pieces) {
  if (span.begin < span.end) pieces.push_back(span);
}

/// Each stretch that `joins` the one before it (in the order given) becomes one with it.
template <typename Joins>
std::vector<Span> JoinStretches(const std::vector<Stretch>& stretches, Joins joins) {
  std::vector<Span> joined;
  bool previous_match = false;
  for (const Stretch& stretch : stretches) {
    if (!joined.empty() && joins(stretch.match, previous_match)) {
      joined.back().begin = std::min(joined.back().begin, stretch.span.begin);
      joined.back().end = std::max(joined.back().end, stretch.span.end);
    } else {
      joined.push_back(stretch.span);
    }
    previous_match = stretch.match;
  }
  return joined;
}

void AppendStretches(std::vector<Stretch>& stretches, SplitBehavior behavior,
                     std::vector<Span>& pieces) {
  // A match joins its neighbour, but a second match in a row stands alone.
  const auto first_of_matches = [](bool match, bool previous) { return match && !previous; };
  const auto alike = [](bool match, bool previous) { return match == previous; };
  std::vector<Span> joined;
  switch (behavior) {
    case SplitBehavior::kRemoved:
    case SplitBehavior::kIsolated:
      for (const Stretch& stretch : stretches) {
        if (behavior == SplitBehavior::kIsolated || !stretch.match) {
          AppendPiece(stretch.span, pieces);
        }
      }
      return;
    case SplitBehavior::kContiguous:
      joined = JoinStretches(stretches, alike);
      break;
    case SplitBehavior::kMergedWithPrevious:
      joined = JoinStretches(stretches, first_of_matches);
      break;
    case SplitBehavior::kMergedWithNext:
      std::reverse(stretches.begin(), stretches.end());
      joined = JoinStretches(stretches, first_of_matches);
      std::reverse(joined.begin(), joined.end());
      break;
  }
  for (const Span& span : joined) AppendPiece(span, pieces);
}

}  // namespace

void SplitPieces(FunctionRef<void(std::string_view, MatchVisitor)> find_matches,
                 SplitBehavior behavior, bool invert, PieceList& list) {
  const std::string_view text = list.text;
  std::vector<Span> pieces;
  pieces.reserve(text.size() / 4);
  std::vector<Stretch> stretches;
  for (const Span& piece : list.pieces) {
    stretches.clear();
    std::size_t done = piece.begin;
    const auto add_match = [&](std::size_t begin, std::size_t end) {
      if (done < piece.begin + begin) stretches.push_back({{done, piece.begin + begin}, invert});
      stretches.push_back({{piece.begin + begin, piece.begin + end}, !invert});
      done = piece.begin + end;
    };
    find_matches(text.substr(piece.begin, piece.end - piece.begin), add_match);
    if (done < piece.end) stretches.push_back({{done, piece.end}, invert});
    AppendStretches(stretches, behavior, pieces);
  }
  list.pieces = std::move(pieces);
}

void RewritePieces(FunctionRef<void(std::string_view, std::size_t, std::string&)> rewrite,
                   PieceList& list) {
  const std::string_view text = list.text;
  std::string result;
  result.reserve(text.size() + list.pieces.size());
  std::vector<Span> pieces;
  pieces.reserve(list.pieces.size());
  for (const Span& piece : list.pieces) {
    const std::size_t begin = result.size();
    rewrite(text.substr(piece.begin, piece.end - piece.begin), piece.begin, result);
    AppendPiece({begin, result.size()}, pieces);
  }
  list.text = std::move(result);
  list.pieces = std::move(pieces);
}

}  // namespace arena
