#include "flywheel/internal/replay.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/hash.h"
#include "flywheel/internal/candidate.h"
#include "formats/line_reader.h"

namespace arena::flywheel_internal {
namespace {

Result<std::vector<std::string>> ReadLines(const std::filesystem::path& file) {
  std::vector<std::string> lines;
  ARENA_ASSIGN_OR_RETURN(LineReader reader, LineReader::Open(InputSource::File(file)));
  while (true) {
    ARENA_ASSIGN_OR_RETURN(const bool more, reader.Next());
    if (!more) return lines;
    lines.emplace_back(reader.line());
  }
}

}  // namespace

Status WriteReplay(const std::vector<std::filesystem::path>& earlier, const ReplayDraw& draw,
                   const std::filesystem::path& out) {
  ARENA_ASSIGN_OR_RETURN(const std::vector<std::string> fresh, ReadLines(draw.rows_of));
  std::vector<std::string> rows;
  std::vector<double> draws;
  for (const std::filesystem::path& file : earlier) {
    ARENA_ASSIGN_OR_RETURN(const std::vector<std::string> lines, ReadLines(file));
    for (const std::string& line : lines) {
      draws.push_back(flywheel::Draw(draw.seed, "replay", HashBytes(line)));
      rows.push_back(line);
    }
  }
  const double wanted = std::round(draw.ratio * static_cast<double>(fresh.size()));
  const double most = std::min(wanted, static_cast<double>(rows.size()));
  const std::vector<bool> stays = flywheel::LowestDraws(draws, static_cast<std::size_t>(most));
  std::string chosen;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (stays[i]) chosen += rows[i] + "\n";
  }
  return WriteFileAtomic(out, chosen);
}

}  // namespace arena::flywheel_internal
