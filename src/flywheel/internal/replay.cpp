#include "flywheel/internal/replay.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/hash.h"
#include "base/rng.h"

namespace arena::flywheel_internal {
namespace {

std::size_t LinesOf(std::string_view text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

Status WriteReplay(const std::vector<std::filesystem::path>& earlier, const ReplayDraw& draw,
                   const std::filesystem::path& out) {
  ARENA_ASSIGN_OR_RETURN(const std::string fresh, ReadFile(draw.rows_of));
  std::string rows;
  for (const std::filesystem::path& file : earlier) {
    ARENA_ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
    rows += text;
  }
  std::size_t left = LinesOf(rows);
  const double share = draw.ratio * static_cast<double>(LinesOf(fresh));
  auto wanted = static_cast<std::size_t>(std::min(std::round(share), static_cast<double>(left)));
  // Each line is taken with the probability that leaves the right number at the end.
  Rng rng(draw.seed, HashBytes("replay").low);
  std::string chosen;
  for (std::size_t begin = 0; begin < rows.size(); --left) {
    const std::size_t end = rows.find('\n', begin) + 1;
    if (rng.Below(left) < wanted) {
      chosen.append(rows, begin, end - begin);
      --wanted;
    }
    begin = end;
  }
  return WriteFileAtomic(out, chosen);
}

}  // namespace arena::flywheel_internal
