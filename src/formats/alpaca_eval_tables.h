// The side tables of AlpacaEval's length control, as that tool publishes them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace arena {

/// One row of df_gamed.csv: an answer of the baseline that was told to be longer or shorter.
struct GamedAnswer {
  std::string model;
  double preference = 0.5;   ///< share of the gamed answer, 0 to 1
  double std_delta_len = 0;  ///< (baseline's length - its length) / standard deviation
  double difficulty = 0;
};

struct GamedTable {
  std::vector<GamedAnswer> rows;
  std::map<std::int64_t, double> difficulty;  ///< position of an instruction, from 0 -> difficulty
};

/// Reads df_gamed.csv (columns model, preference, index, std_delta_len, instruction_difficulty;
/// others are ignored). Errors name file and line: a missing column, a number that is none, an
/// instruction with two difficulties.
Result<GamedTable> ReadGamedTable(const std::filesystem::path& file);

/// Reads instruction_difficulty.csv: the instruction's position from 0, then
/// instruction_difficulty.
Result<std::map<std::int64_t, double>> ReadDifficultyTable(const std::filesystem::path& file);

}  // namespace arena
