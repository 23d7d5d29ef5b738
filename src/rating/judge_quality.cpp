#include "rating/judge_quality.h"

#include <algorithm>
#include <set>
#include <utility>

#include "rating/internal/judge_sums.h"

namespace arena {

using rating_internal::JudgeGroup;
using rating_internal::JudgeSums;
using rating_internal::LengthUnit;
using rating_internal::VoteTally;

struct JudgeQuality::State : JudgeSums {};

namespace {

/// 0 win, 1 tie, 2 loss.
std::size_t Label(double share) { return share > 0.5 ? 0 : share < 0.5 ? 2 : 1; }

std::size_t GameCount(const BattleRecord& battle) {
  return static_cast<std::size_t>(battle.game_count);
}

/// Label and mean share of model A, or nothing where a game is void.
struct BattleResult {
  std::size_t label = 1;
  double share = 0.5;
};
std::optional<BattleResult> ResultOf(const BattleRecord& battle) {
  if (battle.game_count < 1) return std::nullopt;
  BattleResult result{Label(battle.games[0].share_a), 0};
  for (std::size_t g = 0; g < GameCount(battle); ++g) {
    if (battle.games[g].is_void) return std::nullopt;
    result.share += battle.games[g].share_a / battle.game_count;
    if (Label(battle.games[g].share_a) != result.label) result.label = 1;
  }
  return result;
}

/// The same seen from the contestant whose name is first in byte order.
BattleResult InNameOrder(const BattleRecord& battle, BattleResult result) {
  if (battle.model_b < battle.model_a) return {2 - result.label, 1 - result.share};
  return result;
}

Key VoteKey(const BattleRecord& battle) {
  const auto [first, second] = std::minmax(battle.model_a, battle.model_b);
  return KeyBuilder("vote").Add(battle.instruction).Add(first).Add(second).Build();
}

std::string_view Lookup(const std::unordered_map<std::string, std::string>& map,
                        std::string_view name, std::string_view otherwise) {
  const auto found = map.find(std::string(name));
  return found == map.end() ? otherwise : std::string_view(found->second);
}

JudgeGroup& GroupOf(JudgeSums& state, std::string_view instruction, std::uint32_t& number) {
  const Key key = instruction.empty() ? KeyBuilder("unnamed").Add(state.unnamed++).Build()
                                      : HashBytes(instruction);
  number = static_cast<std::uint32_t>(key.low % rating_internal::kJudgeGroups);
  JudgeGroup& group = state.groups[number];
  if (group.sums.empty()) {
    group.sums.resize(rating_internal::kFixedSums +
                      state.families.size() * rating_internal::kFamilySums);
  }
  return group;
}

void AddGames(const BattleRecord& battle, std::vector<double>& sums) {
  for (std::size_t g = 0; g < GameCount(battle); ++g) {
    const GameOutcome& game = battle.games[g];
    sums[rating_internal::kGames] += 1;
    if (game.is_void) {
      sums[rating_internal::kVoidGames] += 1;
      continue;
    }
    if (!battle.seats_known) continue;
    sums[rating_internal::kJudgedGames] += 1;
    sums[rating_internal::kFirstSeatShare] += game.a_first ? game.share_a : 1 - game.share_a;
  }
}

void AddSwap(const BattleRecord& battle, std::vector<double>& sums) {
  const auto& [one, two] = battle.games;
  if (!battle.seats_known || battle.game_count != 2 || one.is_void || two.is_void ||
      one.a_first == two.a_first)
    return;
  sums[rating_internal::kSwapped] += 1;
  // In the frame of the seats: with swapped seats the same label twice is a reversal.
  const std::size_t seat_one = Label(one.a_first ? one.share_a : 1 - one.share_a);
  const std::size_t seat_two = Label(two.a_first ? two.share_a : 1 - two.share_a);
  if (seat_one + seat_two == 2) return;  // the same contestant twice, or two ties
  sums[rating_internal::kFlips] += 1;
  if (seat_one != seat_two) {
    sums[rating_internal::kTieFlips] += 1;
  } else {
    sums[seat_one == 0 ? rating_internal::kFirstReversals : rating_internal::kSecondReversals] += 1;
  }
}

/// The difference of lengths in the unit of the first battle that had one.
std::optional<double> LengthDifference(JudgeSums& state, const BattleRecord& battle) {
  const bool tokens = battle.style_a && battle.style_b &&
                      (battle.style_a->tokens > 0 || battle.style_b->tokens > 0);
  const bool bytes = !battle.text_a.empty() || !battle.text_b.empty();
  if (!tokens && !bytes) return std::nullopt;
  if (state.length_unit == LengthUnit::kNone) {
    state.length_unit = tokens ? LengthUnit::kTokens : LengthUnit::kBytes;
  }
  if (tokens && state.length_unit == LengthUnit::kTokens) {
    return battle.style_a->tokens - battle.style_b->tokens;
  }
  if (bytes && state.length_unit == LengthUnit::kBytes) {
    return static_cast<double>(battle.text_a.size()) - static_cast<double>(battle.text_b.size());
  }
  ++state.lengths_in_other_unit;
  return std::nullopt;
}

/// Halves the sampled groups until the sample fits.
void BoundSample(JudgeSums& state) {
  while (state.sampled_cases > state.config.sample_limit && state.sampled_groups > 0) {
    state.sampled_groups /= 2;
    for (auto it = state.groups.lower_bound(state.sampled_groups); it != state.groups.end(); ++it) {
      state.sampled_cases -= it->second.lengths.size() + it->second.samples.size();
      it->second.lengths = {};
      it->second.samples = {};
    }
  }
}

void AddLength(JudgeSums& state, const BattleRecord& battle, double share, bool sampled,
               JudgeGroup& group) {
  const std::optional<double> difference = LengthDifference(state, battle);
  if (!difference) return;
  if (*difference != 0) {
    group.sums[rating_internal::kUnequalLengths] += 1;
    group.sums[rating_internal::kLongerShare] += *difference > 0 ? share : 1 - share;
  }
  if (!sampled) return;
  group.lengths.push_back({*difference, share});
  ++state.sampled_cases;
}

/// Remembers the outcome of each game, to see whether the same game comes again.
void AddSamples(JudgeSums& state, const BattleRecord& battle, JudgeGroup& group) {
  for (std::size_t g = 0; g < GameCount(battle); ++g) {
    const GameOutcome& game = battle.games[g];
    if (game.is_void) continue;
    KeyBuilder key("sample");
    key.Add(battle.judge).Add(battle.instruction).Add(battle.category);
    if (game.a_first) {
      key.Add(battle.model_a).Add(battle.model_b).Add(battle.text_a).Add(battle.text_b);
    } else {
      key.Add(battle.model_b).Add(battle.model_a).Add(battle.text_b).Add(battle.text_a);
    }
    const double first_share = game.a_first ? game.share_a : 1 - game.share_a;
    const auto [sample, is_new] = group.samples.try_emplace(key.Build().low);
    ++sample->second[Label(first_share)];
    if (is_new) ++state.sampled_cases;
  }
}

/// All pairs of the opinions, and those that say the same.
void AddPairs(const std::array<std::int64_t, 3>& opinions, double& pairs, double& alike) {
  double count = 0;
  for (const std::int64_t one : opinions) {
    const auto same = static_cast<double>(one);
    alike += same * (same - 1) / 2;
    count += same;
  }
  pairs += count * (count - 1) / 2;
}

void AddFamilies(const JudgeSums& state, const BattleRecord& battle, double share,
                 const VoteTally* votes, std::vector<double>& sums) {
  const auto& contestants = state.config.contestant_families;
  const std::string_view family_a = Lookup(contestants, battle.model_a, "");
  const std::string_view family_b = Lookup(contestants, battle.model_b, "");
  if (family_a == family_b) return;
  const std::string_view judge =
      Lookup(state.config.judge_families, battle.judge, state.config.default_judge_family);
  for (std::size_t f = 0; f < state.families.size(); ++f) {
    const std::string& family = state.families[f];
    if (family != family_a && family != family_b) continue;
    const bool is_a = family == family_a;
    const double family_share = is_a ? share : 1 - share;
    const auto at = [&](rating_internal::FamilySum sum) -> double& {
      return sums[state.FamilyAt(f, sum)];
    };
    if (judge != family) {
      at(rating_internal::kOtherBattles) += 1;
      at(rating_internal::kOtherShare) += family_share;
      continue;
    }
    at(rating_internal::kOwnBattles) += 1;
    at(rating_internal::kOwnShare) += family_share;
    if (votes == nullptr) continue;
    const double count = votes->labels[0] + votes->labels[1] + votes->labels[2];
    const double voted = votes->share / count;
    const bool is_first = is_a == (battle.model_a < battle.model_b);
    at(rating_internal::kVotedBattles) += 1;
    at(rating_internal::kVotedExcess) += family_share - (is_first ? voted : 1 - voted);
  }
}

std::vector<std::string> JudgeFamilies(const JudgeQualityConfig& config) {
  std::set<std::string> families = {config.default_judge_family};
  for (const auto& [judge, family] : config.judge_families) families.insert(family);
  families.erase("");
  return {families.begin(), families.end()};
}

}  // namespace

JudgeQuality::JudgeQuality(JudgeQualityConfig config) : state_(std::make_unique<State>()) {
  state_->families = JudgeFamilies(config);
  state_->config = std::move(config);
}
JudgeQuality::JudgeQuality(JudgeQuality&&) noexcept = default;
JudgeQuality& JudgeQuality::operator=(JudgeQuality&&) noexcept = default;
JudgeQuality::~JudgeQuality() = default;

void JudgeQuality::AddVote(const BattleRecord& vote) {
  if (state_->battles > 0) state_->vote_after_battle = true;
  const std::optional<BattleResult> result = ResultOf(vote);
  if (!result || vote.instruction.empty()) {
    ++state_->votes_ignored;
    return;
  }
  ++state_->votes_given;
  const BattleResult canonical = InNameOrder(vote, *result);
  VoteTally& tally = state_->votes[VoteKey(vote)];
  ++tally.labels[canonical.label];
  tally.share += canonical.share;
}

void JudgeQuality::Add(const BattleRecord& battle) {
  JudgeSums& state = *state_;
  ++state.battles;
  std::uint32_t number = 0;
  JudgeGroup& group = GroupOf(state, battle.instruction, number);
  const bool sampled = number < state.sampled_groups;
  AddGames(battle, group.sums);
  AddSwap(battle, group.sums);
  if (sampled && !battle.instruction.empty()) AddSamples(state, battle, group);
  const std::optional<BattleResult> result = ResultOf(battle);
  if (result) {
    AddLength(state, battle, result->share, sampled, group);
    const VoteTally* votes = nullptr;
    if (!state.votes.empty() && !battle.instruction.empty()) {
      const auto found = state.votes.find(VoteKey(battle));
      if (found != state.votes.end()) votes = &found->second;
    }
    if (votes != nullptr) {
      const std::size_t label = InNameOrder(battle, *result).label;
      for (std::size_t v = 0; v < 3; ++v) {
        group.sums[rating_internal::kVoteCases + 3 * label + v] += votes->labels[v];
      }
    }
    if (!state.families.empty()) AddFamilies(state, battle, result->share, votes, group.sums);
  }
  BoundSample(state);
}

void JudgeQuality::AddOpinions(std::string_view instruction, const GameOpinions& opinions) {
  std::uint32_t number = 0;
  std::vector<double>& sums = GroupOf(*state_, instruction, number).sums;
  AddPairs(opinions.samples, sums[rating_internal::kSamplePairs],
           sums[rating_internal::kSamplePairsAlike]);
  AddPairs(opinions.members, sums[rating_internal::kMemberPairs],
           sums[rating_internal::kMemberPairsAlike]);
}

Result<JudgeQualityReport> JudgeQuality::Report(const JudgeQualityReportOptions& options) const {
  return rating_internal::ReportJudge(*state_, options);
}

}  // namespace arena
