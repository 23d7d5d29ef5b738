#include "flywheel/internal/candidate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/battle.h"
#include "text/reasoning.h"
#include "text/style_counts.h"

namespace arena::flywheel {
namespace {

constexpr std::array<std::string_view, kFates> kFateNames = {
    "selected",     "test-set",      "void",        "missing-text",
    "cut-answer",   "no-difficulty", "no-score",    "both-bad",
    "disagreement", "tie",           "gap",         "target-won",
    "low-score",    "same-text",     "other-turns", "format-cannot-say-it",
    "not-best",     "duplicate",     "beyond-size"};

// A gap that equals k up to rounding is not above it.
constexpr double kSlack = 1e-9;

std::optional<GameOutcome> OutcomeOf(const std::optional<Game>& game, bool a_first) {
  if (!game || game->state != WorkState::kDone) return std::nullopt;
  return ScoredGame(a_first, game->verdict.score_first, game->verdict.score_second);
}

bool IsBaseline(const SelectionSettings& settings) {
  return settings.by != SelectionRule::kBattles;
}

// Whether what is written needs a winner and a loser.
bool NeedsWinner(const SelectionSettings& settings) {
  return settings.kind != TrainingKind::kSft || !IsBaseline(settings);
}

// Of what the user says.
double AskedLength(const Conversation& conversation) {
  std::int64_t count = 0;
  for (const Message& message : conversation) {
    if (message.role == Role::kUser) count += CountCharacters(message.content);
  }
  return static_cast<double>(count);
}

std::string WithThinking(std::string_view reasoning, std::string_view answer) {
  if (reasoning.empty()) return std::string(answer);
  return "<think>\n" + std::string(reasoning) + "\n</think>\n\n" + std::string(answer);
}

// Applies the rules of one battle in order; each returns its fate or passes on.
class LoneBattle {
 public:
  LoneBattle(const BattleDetail& detail, const SelectionSettings& settings,
             const SelectionInputs& inputs, Candidate& candidate)
      : detail_(detail), settings_(settings), inputs_(inputs), candidate_(candidate) {}

  Fate Decide() {
    const std::optional<BattleScores> scores = ScoresOf(detail_);
    SetScores(scores);
    ChooseAnswer();
    Fate fate = AvailableFate(scores.has_value());
    if (fate == Fate::kSelected) fate = RankFate();
    if (fate == Fate::kSelected) fate = VerdictFate(scores);
    if (fate == Fate::kSelected) fate = OutcomeFate();
    if (fate == Fate::kSelected) fate = ContentFate();
    return fate;
  }

 private:
  bool target_is_a() const { return detail_.contestant_a.name == settings_.target; }
  bool target_is_b() const { return detail_.contestant_b.name == settings_.target; }
  const Answer& chosen() const {
    return candidate_.answer_is_a ? detail_.answer_a : detail_.answer_b;
  }
  const Answer& other() const {
    return candidate_.answer_is_a ? detail_.answer_b : detail_.answer_a;
  }
  bool UsesOther() const { return settings_.kind != TrainingKind::kSft; }

  void SetScores(const std::optional<BattleScores>& scores) {
    candidate_.is_void = !scores.has_value();
    if (!scores) return;
    candidate_.score_a = scores->a;
    candidate_.score_b = scores->b;
    candidate_.disagree = scores->disagree;
  }

  // SFT learns from the rival, whoever won; all else from the winner.
  void ChooseAnswer() {
    candidate_.answer_is_a = settings_.kind == TrainingKind::kSft
                                 ? target_is_b()
                                 : candidate_.score_a > candidate_.score_b;
  }

  Fate AvailableFate(bool judged) const {
    const Instruction& instruction = detail_.instruction;
    if (inputs_.test_set != nullptr &&
        inputs_.test_set->Overlaps(AskedKey(instruction.conversation))) {
      return Fate::kInTestSet;
    }
    if (!judged && NeedsWinner(settings_)) return Fate::kVoid;
    const auto has_text = [&](const Answer& answer) {
      return TrainableTurns(instruction, answer, false).has_value();
    };
    if (!has_text(chosen()) || (UsesOther() && !has_text(other()))) return Fate::kMissingText;
    // A loser may be cut where the row can say so.
    const bool other_may_be_cut = IsPreference(settings_.kind) && CanSayCut(settings_.format);
    const bool other_matters = UsesOther() && !other_may_be_cut;
    if (IsCut(chosen()) || (other_matters && IsCut(other()))) return Fate::kCut;
    return Fate::kSelected;
  }

  Fate RankFate() {
    if (settings_.by == SelectionRule::kLength) {
      candidate_.rank = AskedLength(detail_.instruction.conversation);
    }
    if (settings_.by == SelectionRule::kIfd || settings_.by == SelectionRule::kTags) {
      return ScoreFate();
    }
    if (settings_.by != SelectionRule::kDifficulty) return Fate::kSelected;
    if (std::isnan(candidate_.difficulty)) return Fate::kNoDifficulty;
    candidate_.rank = candidate_.difficulty;
    return Fate::kSelected;
  }

  // An IFD of 1 or more says that the instruction does not help with its answer.
  Fate ScoreFate() {
    const auto found = inputs_.scores->find(candidate_.instruction);
    if (found == inputs_.scores->end()) return Fate::kNoScore;
    if (settings_.by == SelectionRule::kIfd && found->second >= 1) return Fate::kNoScore;
    candidate_.rank = found->second;
    return Fate::kSelected;
  }

  Fate VerdictFate(const std::optional<BattleScores>& scores) const {
    if (IsBaseline(settings_) || !scores) return Fate::kSelected;
    if (scores->highest < settings_.floor) return Fate::kBothBad;
    if (!scores->disagree || settings_.disagreement == DisagreementRule::kKeep) {
      return Fate::kSelected;
    }
    const bool keeps =
        settings_.disagreement == DisagreementRule::kDownWeight &&
        Draw(settings_.seed, "disagreement", detail_.battle.key) < settings_.disagreement_weight;
    return keeps ? Fate::kSelected : Fate::kDisagreement;
  }

  Fate OutcomeFate() const {
    if (!NeedsWinner(settings_)) return Fate::kSelected;
    const double gap = std::abs(candidate_.score_a - candidate_.score_b);
    if (gap <= kSlack) return Fate::kTie;
    if (gap <= settings_.k + kSlack) return Fate::kSmallGap;
    const bool target_won = candidate_.score_a > candidate_.score_b ? target_is_a() : target_is_b();
    const bool losses_only = settings_.kind == TrainingKind::kSft ||
                             (!IsBaseline(settings_) && settings_.pairs == PairChoice::kLosses);
    if (target_won && losses_only) return Fate::kTargetWon;
    if (!IsBaseline(settings_) && candidate_.answer_score() < settings_.min_score - kSlack) {
      return Fate::kLowScore;
    }
    return Fate::kSelected;
  }

  // What would be written. The earlier turns of a preference must be the same: it has one prompt.
  Fate ContentFate() {
    const Instruction& instruction = detail_.instruction;
    KeyBuilder content("row");
    content.Add(instruction.key);
    const auto answer = TrainableTurns(instruction, chosen(), settings_.with_reasoning);
    const auto earlier = std::span(*answer).first(answer->size() - 1);
    if (settings_.kind != TrainingKind::kPpo) content.Add(TextKey(*answer));
    if (NeedsWinner(settings_) && settings_.kind != TrainingKind::kPpo) {
      const auto rejected = TrainableTurns(instruction, other(), settings_.with_reasoning);
      if (rejected && answer->back() == rejected->back()) return Fate::kSameAnswer;
      if (IsPreference(settings_.kind) &&
          !std::equal(earlier.begin(), earlier.end(), rejected->begin())) {
        return Fate::kEarlierTurns;
      }
      if (UsesOther()) content.Add(TextKey(*rejected));
    }
    candidate_.content = content.Build();
    const bool fits = CanHold(settings_.format, WithAnswers(instruction, earlier));
    return fits ? Fate::kSelected : Fate::kFormat;
  }

  const BattleDetail& detail_;
  const SelectionSettings& settings_;
  const SelectionInputs& inputs_;
  Candidate& candidate_;
};

// Whether x is to be preferred to y, two battles on one instruction.
bool IsBetter(const Candidate& x, const Candidate& y) {
  if (x.answer_score() != y.answer_score()) return x.answer_score() > y.answer_score();
  if (x.margin() != y.margin()) return x.margin() > y.margin();
  return x.battle < y.battle;
}

void KeepBest(std::vector<Candidate>& candidates) {
  std::unordered_map<Key, Candidate*, KeyHash> best;
  for (Candidate& candidate : candidates) {
    if (candidate.fate != Fate::kSelected) continue;
    const auto [found, is_new] = best.try_emplace(candidate.instruction, &candidate);
    if (is_new) continue;
    Candidate*& holder = found->second;
    const bool wins = IsBetter(candidate, *holder);
    (wins ? *holder : candidate).fate = Fate::kNotBest;
    if (wins) holder = &candidate;
  }
}

void DropDuplicates(std::vector<Candidate>& candidates) {
  std::unordered_set<Key, KeyHash> seen;
  for (Candidate& candidate : candidates) {
    if (candidate.fate != Fate::kSelected) continue;
    if (!seen.insert(candidate.content).second) candidate.fate = Fate::kDuplicate;
  }
}

}  // namespace

std::string_view FateName(Fate fate) { return kFateNames[static_cast<std::size_t>(fate)]; }

std::optional<BattleScores> ScoresOf(const BattleDetail& detail) {
  const auto ab = OutcomeOf(detail.game_ab, true);
  const auto ba = OutcomeOf(detail.game_ba, false);
  if (!ab || !ba) return std::nullopt;
  BattleScores scores;
  scores.a = (ab->score_a + ba->score_a) / 2;
  scores.b = (ab->score_b + ba->score_b) / 2;
  scores.highest = std::max({ab->score_a, ab->score_b, ba->score_a, ba->score_b});
  scores.disagree = (ab->share_a - 0.5) * (ba->share_a - 0.5) < 0;
  return scores;
}

std::optional<std::vector<std::string>> TrainableTurns(const Instruction& instruction,
                                                       const Answer& answer, bool with_reasoning) {
  if (answer.state != WorkState::kDone || answer.turns.empty()) return std::nullopt;
  if (answer.turns.size() != OpenTurns(instruction)) return std::nullopt;
  std::vector<std::string> texts;
  for (const std::string& turn : answer.turns) {
    const SplitReply reply = SplitReasoning(turn);
    if (reply.is_cut || reply.answer.empty()) return std::nullopt;
    const bool is_last = texts.size() + 1 == answer.turns.size();
    const std::string_view stored = is_last ? std::string_view(answer.reasoning) : "";
    const std::string_view reasoning = reply.reasoning.empty() ? stored : reply.reasoning;
    texts.push_back(WithThinking(with_reasoning ? reasoning : "", reply.answer));
  }
  return texts;
}

bool IsCut(const Answer& answer) { return answer.finish_reason == "length"; }

std::uint32_t NamePool::IndexOf(const std::string& name) {
  const auto found = std::find(names_.begin(), names_.end(), name);
  if (found != names_.end()) return static_cast<std::uint32_t>(found - names_.begin());
  names_.push_back(name);
  return static_cast<std::uint32_t>(names_.size() - 1);
}

Candidate JudgeAlone(const BattleDetail& detail, const SelectionSettings& settings,
                     const SelectionInputs& inputs, NamePool& names, NamePool& categories) {
  Candidate candidate;
  candidate.battle = detail.battle.key;
  candidate.instruction = detail.battle.instruction;
  candidate.contestant_a = names.IndexOf(detail.contestant_a.name);
  candidate.contestant_b = names.IndexOf(detail.contestant_b.name);
  candidate.category = categories.IndexOf(detail.instruction.category);
  candidate.difficulty = std::numeric_limits<double>::quiet_NaN();
  if (inputs.difficulty != nullptr) {
    const auto found = inputs.difficulty->find(candidate.instruction);
    if (found != inputs.difficulty->end()) candidate.difficulty = found->second;
  }
  candidate.fate = LoneBattle(detail, settings, inputs, candidate).Decide();
  return candidate;
}

void DropRepeated(const SelectionSettings& settings, std::vector<Candidate>& candidates) {
  if (settings.rival_choice == RivalChoice::kBest || settings.kind == TrainingKind::kPpo) {
    KeepBest(candidates);
  }
  DropDuplicates(candidates);
}

void LimitSize(const SelectionSettings& settings, std::vector<Candidate>& candidates) {
  if (settings.size == 0) return;
  struct Place {
    double rank;
    double draw;
    Candidate* candidate;
  };
  std::vector<Place> places;
  for (Candidate& candidate : candidates) {
    if (candidate.fate != Fate::kSelected) continue;
    places.push_back({candidate.rank, Draw(settings.seed, "size", candidate.battle), &candidate});
  }
  std::sort(places.begin(), places.end(), [](const Place& x, const Place& y) {
    if (x.rank != y.rank) return x.rank > y.rank;
    if (x.draw != y.draw) return x.draw < y.draw;
    return x.candidate->battle < y.candidate->battle;
  });
  for (auto i = static_cast<std::size_t>(settings.size); i < places.size(); ++i) {
    places[i].candidate->fate = Fate::kBeyondSize;
  }
}

double Draw(std::uint64_t seed, std::string_view purpose, const Key& key) {
  const Key drawn =
      KeyBuilder("draw").Add(static_cast<std::int64_t>(seed)).Add(purpose).Add(key).Build();
  return static_cast<double>(drawn.high >> 11) * 0x1.0p-53;
}

std::vector<bool> LowestDraws(const std::vector<double>& draws, std::size_t most) {
  std::vector<std::size_t> order(draws.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&draws](std::size_t x, std::size_t y) { return draws[x] < draws[y]; });
  std::vector<bool> are_lowest(draws.size());
  for (std::size_t i = 0; i < std::min(most, order.size()); ++i) are_lowest[order[i]] = true;
  return are_lowest;
}

}  // namespace arena::flywheel
