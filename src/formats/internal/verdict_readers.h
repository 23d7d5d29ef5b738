// The readers behind ReadVerdicts, one file each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "core/battle.h"
#include "formats/byte_stream.h"
#include "formats/internal/row_log.h"
#include "formats/verdicts.h"

namespace arena {

Status ReadArenaVerdicts(const InputSource& source, RowLog& log, BattleSink sink);
Status ReadAlpacaEvalVerdicts(const InputSource& source, RowLog& log, BattleSink sink);
Status ReadLmsysVerdicts(const InputSource& source, const VerdictOptions& options, RowLog& log,
                         BattleSink sink);
Status ReadArenaHardVerdicts(const InputSource& source, const VerdictOptions& options, RowLog& log,
                             BattleSink sink);

/// Pair judgments become battles at once; single judgments are kept and paired by Finish().
/// Not thread-safe.
class FastChatReader {
 public:
  FastChatReader(const VerdictOptions& options, RowLog& log) : options_(options), log_(log) {}

  Status Read(const InputSource& source, BattleSink sink);
  /// Delivers every two models that were scored on the same question, turn and judge.
  Status Finish(BattleSink sink);

 private:
  struct Score {
    std::uint32_t model = 0;
    double value = 0;  ///< -1: the judge failed
    double time = 0;
    std::string place;  ///< FILE:LINE
  };
  struct Group {
    std::string instruction;
    std::string judge;
    std::vector<Score> scores;
  };

  class RowReader;

  Status Deliver(const Group& group, const Score& a, const Score& b, BattleSink sink);

  const VerdictOptions& options_;
  RowLog& log_;
  std::vector<std::string> models_;
  std::unordered_map<std::string, std::uint32_t> model_index_;
  std::vector<Group> groups_;  ///< in the order in which they were met
  std::unordered_map<std::string, std::size_t> group_index_;
};

/// "unknown KIND "LABEL"; known are ...": the message for a label that a format does not have.
std::string UnknownLabel(std::string_view kind, std::string_view label, std::string_view known);

/// Why two names cannot meet in a battle; empty if they can.
std::string ModelProblem(std::string_view model_a, std::string_view model_b);

/// LMSYS winner labels as a share of model A; nothing for an unknown label.
std::optional<double> LmsysShare(std::string_view winner);
/// The list of them, for messages.
extern const std::string_view kLmsysLabels;

}  // namespace arena
