// What JudgeQuality keeps: sums per group of instructions, and a bounded sample of single cases.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "rating/judge_quality.h"

namespace arena::rating_internal {

/// Sums over cases. A rate is one sum divided by another.
enum JudgeSum : std::size_t {
  kGames,
  kVoidGames,
  kJudgedGames,
  kFirstSeatShare,
  kSwapped,  ///< battles judged in both orders
  kFlips,
  kFirstReversals,
  kSecondReversals,
  kTieFlips,
  kUnequalLengths,
  kLongerShare,
  kVoteCases,  ///< 9 sums, [judge][vote]
  kSamplePairs = kVoteCases + 9,
  kSamplePairsAlike,
  kMemberPairs,
  kMemberPairsAlike,
  kFixedSums
};

/// Sums of one family, following the fixed ones, in the order of JudgeSums::families.
enum FamilySum : std::size_t {
  kOwnBattles,    ///< before the family's judges
  kOwnShare,      ///< share of the family's contestant
  kVotedBattles,  ///< those with votes
  kVotedExcess,   ///< judge's share minus mean vote's
  kOtherBattles,  ///< before judges of other families
  kOtherShare,
  kMatchedBattles,  ///< own battles of groups that other judges judged too; filled by the report
  kMatchedExcess,
  kFamilySums
};

struct LengthCase {
  double difference = 0;  ///< length of A minus length of B
  double share = 0.5;     ///< of A
};

/// One group of instructions.
struct JudgeGroup {
  std::vector<double> sums;
  std::vector<LengthCase> lengths;
  std::unordered_map<std::uint64_t, std::array<std::uint32_t, 3>> samples;  ///< game -> outcomes
};

/// Votes on one instruction and pair, in the frame of the name that is first in byte order.
struct VoteTally {
  std::array<std::uint32_t, 3> labels{};  ///< win, tie, loss
  double share = 0;                       ///< summed
};

enum class LengthUnit { kNone, kTokens, kBytes };

constexpr std::uint32_t kJudgeGroups = 1U << 14;

struct JudgeSums {
  JudgeQualityConfig config;
  std::vector<std::string> families;           ///< of judges, sorted
  std::map<std::uint32_t, JudgeGroup> groups;  ///< ordered, so that sums run in one order
  std::unordered_map<Key, VoteTally, KeyHash> votes;
  std::int64_t battles = 0;
  std::int64_t votes_given = 0;
  std::int64_t votes_ignored = 0;
  bool vote_after_battle = false;
  std::int64_t unnamed = 0;                ///< battles without an instruction
  std::int64_t lengths_in_other_unit = 0;  ///< left out
  LengthUnit length_unit = LengthUnit::kNone;
  std::uint32_t sampled_groups = kJudgeGroups;  ///< groups below this number keep single cases
  std::size_t sampled_cases = 0;

  std::size_t FamilyAt(std::size_t family, FamilySum sum) const {
    return kFixedSums + family * kFamilySums + sum;
  }
};

/// Builds the report of what was summed.
Result<JudgeQualityReport> ReportJudge(const JudgeSums& sums,
                                       const JudgeQualityReportOptions& options);

}  // namespace arena::rating_internal
