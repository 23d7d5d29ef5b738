#include "flywheel/selection.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/file.h"
#include "base/nearest.h"
#include "flywheel/internal/candidate.h"
#include "flywheel/internal/card_counts.h"
#include "flywheel/internal/cluster_ranks.h"
#include "flywheel/internal/earlier_data.h"
#include "flywheel/internal/rows.h"
#include "flywheel/internal/training_files.h"

namespace arena {
namespace {

using flywheel::Candidate;
using flywheel::Fate;

Status CheckTarget(Store& store, const std::string& target) {
  ARENA_ASSIGN_OR_RETURN(const auto infos, store.Contestants());
  std::vector<std::string_view> names;
  for (const ContestantInfo& info : infos) {
    if (!info.superseded) names.push_back(info.contestant.name);
  }
  if (std::find(names.begin(), names.end(), target) != names.end()) return {};
  const auto near = NearestName(target, names);
  return NotFound(fmt::format("the store has no contestant \"{}\"{}; it has: {}", target,
                              near ? fmt::format(", did you mean \"{}\"?", *near) : "",
                              names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "))));
}

Status CheckName(const std::string& name) {
  const auto fits = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.';
  };
  if (!name.empty() && name.front() != '.' && std::all_of(name.begin(), name.end(), fits)) {
    return {};
  }
  return InvalidInput(fmt::format(
      "\"{}\" cannot name files: use letters, digits, '-', '_' and '.', which is not first", name));
}

BattleQuery QueryOf(const SelectionSettings& settings) {
  BattleQuery query;
  query.judge = settings.judge;
  query.category = settings.category;
  if (!settings.rivals.empty()) {
    query.contestants = settings.rivals;
    query.contestants.push_back(settings.target);
  }
  const bool pairs_of_rivals = settings.kind != TrainingKind::kSft &&
                               settings.by == SelectionRule::kBattles &&
                               settings.pairs == PairChoice::kAll;
  if (!pairs_of_rivals) query.involving = settings.target;
  return query;
}

// Extends `hash` by a battle: what met and what the judge gave.
Key HashBattle(const Key& hash, const BattleDetail& detail) {
  KeyBuilder builder("battles");
  builder.Add(hash).Add(detail.battle.key).Add(detail.battle.game_ab).Add(detail.battle.game_ba);
  const auto scores = flywheel::ScoresOf(detail);
  for (const double score : {scores ? scores->a : -1.0, scores ? scores->b : -1.0}) {
    builder.Add(std::bit_cast<std::int64_t>(score));
  }
  return builder.Build();
}

// One selection from settings to files.
class Selector {
 public:
  Selector(Store& store, const SelectionSettings& settings, const SelectionInputs& inputs,
           const SelectionOutput& output)
      : store_(store),
        settings_(settings),
        inputs_(inputs),
        output_(output),
        query_(QueryOf(settings)),
        data_(output.folder / (output.name + std::string(flywheel::kDataSuffix))) {
    card_.settings = settings;
  }

  Result<DataCard> Run() {
    ARENA_RETURN_IF_ERROR(Check());
    ARENA_RETURN_IF_ERROR(Plan());
    ARENA_RETURN_IF_ERROR(Write());
    return std::move(card_);
  }

 private:
  Status Check() const {
    ARENA_RETURN_IF_ERROR(CheckSettings(settings_));
    ARENA_RETURN_IF_ERROR(CheckName(output_.name));
    if (settings_.by == SelectionRule::kDifficulty && inputs_.difficulty == nullptr) {
      return InvalidInput("selection by difficulty needs a file with difficulties");
    }
    const bool needs_scores =
        settings_.by == SelectionRule::kIfd || settings_.by == SelectionRule::kTags;
    if (needs_scores && inputs_.scores == nullptr) {
      return InvalidInput(
          fmt::format("selection by {} needs a file with scores; `arena score --add {}` makes one",
                      SelectionRuleName(settings_.by), SelectionRuleName(settings_.by)));
    }
    ARENA_RETURN_IF_ERROR(CheckTarget(store_, settings_.target));
    return CheckOneJudge(store_, settings_.judge);
  }

  bool IsConsidered(const BattleDetail& detail) const {
    return inputs_.instructions == nullptr ||
           inputs_.instructions->count(detail.battle.instruction) > 0;
  }

  // The first reading: what becomes of each battle.
  Status Plan() {
    flywheel::NamePool names;
    flywheel::NamePool categories;
    Key hash;
    ARENA_RETURN_IF_ERROR(store_.ForEachDetail(query_, [&](const BattleDetail& detail) -> Status {
      if (!IsConsidered(detail)) return {};
      candidates_.push_back(flywheel::JudgeAlone(detail, settings_, inputs_, names, categories));
      hash = HashBattle(hash, detail);
      card_.judge = detail.judge.name;
      return {};
    }));
    if (candidates_.empty()) {
      return NotFound(fmt::format(
          "{} has no battle here that the settings allow; `arena battle` plays them, `arena show` "
          "lists them",
          settings_.target));
    }
    flywheel::DropRepeated(settings_, candidates_);
    if (settings_.by == SelectionRule::kClusters) {
      ARENA_RETURN_IF_ERROR(flywheel::RankByClusters(store_, query_, settings_, candidates_));
    }
    flywheel::LimitSize(settings_, candidates_);
    flywheel::CountCandidates(candidates_, names.names(), categories.names(), card_);
    card_.store_hash = hash.Hex();
    return {};
  }

  // The second reading: texts to files.
  Status Write() {
    ARENA_RETURN_IF_ERROR(MakeFolder(output_.folder));
    ARENA_ASSIGN_OR_RETURN(auto files, flywheel::TrainingFiles::Create(data_));
    ARENA_RETURN_IF_ERROR(WriteEarlier(files));
    ARENA_RETURN_IF_ERROR(WriteNew(files));
    card_.rows = files.rows();
    ARENA_ASSIGN_OR_RETURN(card_.outputs, files.Commit());
    if (settings_.format == TrainerFormat::kLlamaFactory) {
      ARENA_RETURN_IF_ERROR(WriteDatasetInfo());
    }
    return WriteCard();
  }

  Status WriteEarlier(flywheel::TrainingFiles& files) {
    card_.inputs = inputs_.files;
    std::unordered_set<Key, KeyHash> selected;
    for (const Candidate& candidate : candidates_) {
      if (candidate.fate == Fate::kSelected) selected.insert(candidate.battle);
    }
    const std::int64_t rows_each = settings_.kind == TrainingKind::kKto ? 2 : 1;
    ARENA_ASSIGN_OR_RETURN(
        const auto earlier,
        flywheel::EarlierData::Plan(settings_, inputs_, selected, card_.selected * rows_each));
    ARENA_RETURN_IF_ERROR(earlier.CopyTo(files));
    card_.earlier = earlier.counts();
    card_.inputs.insert(card_.inputs.end(), earlier.inputs().begin(), earlier.inputs().end());
    return {};
  }

  Status WriteNew(flywheel::TrainingFiles& files) {
    flywheel::RowCounts counts;
    auto next = candidates_.begin();
    ARENA_RETURN_IF_ERROR(store_.ForEachDetail(query_, [&](const BattleDetail& detail) -> Status {
      // A battle that came after the first reading is not in the plan.
      if (!IsConsidered(detail) || next == candidates_.end()) return {};
      if (next->battle != detail.battle.key) return {};
      return WriteBattle(detail, *next++, files, counts);
    }));
    if (next != candidates_.end()) return Changed(next->battle);
    counts.Fill(card_);
    card_.has_test_set = inputs_.test_set != nullptr;
    if (card_.has_test_set) {
      card_.test_instructions = static_cast<std::int64_t>(inputs_.test_set->size());
    }
    return {};
  }

  Status WriteBattle(const BattleDetail& detail, const Candidate& candidate,
                     flywheel::TrainingFiles& files, flywheel::RowCounts& counts) {
    if (candidate.fate != Fate::kSelected) {
      return files.AddDropped(DumpJson(flywheel::DroppedJson(detail, candidate)));
    }
    const auto scores = flywheel::ScoresOf(detail);
    const bool is_same = scores ? !candidate.is_void && scores->a == candidate.score_a &&
                                      scores->b == candidate.score_b
                                : candidate.is_void;
    if (!is_same) return Changed(candidate.battle);
    for (const auto& row : flywheel::RowsOf(detail, candidate, settings_)) {
      counts.Add(row, settings_.kind);
      if (inputs_.test_set != nullptr && inputs_.test_set->Overlaps(AskedKey(row.example.prompt))) {
        ++card_.overlap_left;
      }
      ARENA_RETURN_IF_ERROR(
          files.AddRow(TrainingLine(settings_.format, settings_.kind, row.example),
                       DumpJson(flywheel::ProvenanceJson(detail, candidate, row, settings_))));
    }
    return {};
  }

  Error Changed(const Key& battle) const {
    return {ErrorCode::kUnavailable,
            fmt::format("battle {} changed while it was read; select again when no run writes to "
                        "the store",
                        battle.Hex())};
  }

  Status WriteDatasetInfo() const {
    const auto path = output_.folder / "dataset_info.json";
    std::string existing;
    if (std::filesystem::exists(path)) {
      ARENA_ASSIGN_OR_RETURN(existing, ReadFile(path));
    }
    const auto info =
        LlamaFactoryDatasetInfo(existing, output_.name, data_.filename().string(), settings_.kind);
    if (!info.ok()) {
      return InvalidInput(fmt::format("{}: {}", path.string(), info.error().message));
    }
    return WriteFileAtomic(path, *info);
  }

  Status WriteCard() const {
    if (output_.describe) {
      ARENA_RETURN_IF_ERROR(WriteFileAtomic(flywheel::BesideData(data_, flywheel::kCardTextSuffix),
                                            output_.describe(card_)));
    }
    return WriteFileAtomic(flywheel::BesideData(data_, flywheel::kCardSuffix),
                           DumpJson(CardJson(card_), 2) + "\n");
  }

  Store& store_;
  const SelectionSettings& settings_;
  const SelectionInputs& inputs_;
  const SelectionOutput& output_;
  const BattleQuery query_;
  const std::filesystem::path data_;
  std::vector<Candidate> candidates_;  ///< in the order of their keys
  DataCard card_;
};

}  // namespace

Result<DataCard> Select(Store& store, const SelectionSettings& settings,
                        const SelectionInputs& inputs, const SelectionOutput& output) {
  return Selector(store, settings, inputs, output).Run();
}

}  // namespace arena
