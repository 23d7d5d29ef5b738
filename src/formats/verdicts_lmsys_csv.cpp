// LMSYS votes as CSV: docs/formats/verdicts.md. The fast path of a million votes.
#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "formats/csv.h"
#include "formats/internal/lmsys_columns.h"
#include "formats/internal/lmsys_readers.h"

namespace arena {
namespace {

using Column = std::optional<std::size_t>;

/// Counts are nearly always a few digits, which need no general reader of numbers.
std::optional<double> SmallCount(std::string_view text) {
  constexpr std::size_t kMostDigits = 9;
  if (text.empty() || text.size() > kMostDigits) return std::nullopt;
  std::uint32_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint32_t>(c - '0');
  }
  return value;
}

/// Turns rows into battles; positions of the columns are found once.
class CsvVotes {
 public:
  static Result<CsvVotes> Make(CsvReader& csv, const LmsysColumns& name) {
    CsvVotes votes(csv);
    ARENA_ASSIGN_OR_RETURN(votes.model_a_, csv.Column(name("model_a")));
    ARENA_ASSIGN_OR_RETURN(votes.model_b_, csv.Column(name("model_b")));
    votes.winner_ = csv.Find(name("winner"));
    if (!votes.winner_) ARENA_RETURN_IF_ERROR(votes.FindOneHot(name));
    for (const auto* identity : {"instruction", "question_id", "prompt"}) {
      if (!votes.instruction_) votes.instruction_ = csv.Find(name(identity));
    }
    votes.category_ = csv.Find(name("category"));
    votes.language_ = csv.Find(name("language"));
    votes.judge_ = csv.Find(name("judge"));
    votes.time_ = csv.Find(name("tstamp"));
    votes.text_ = {csv.Find(name("response_a")), csv.Find(name("response_b"))};
    for (std::size_t side = 0; side < 2; ++side) {
      for (std::size_t i = 0; i < 4; ++i) {
        votes.style_[side][i] = csv.Find(name(kLmsysStyleColumns[side][i]));
      }
    }
    votes.has_more_ = votes.instruction_ || votes.category_ || votes.language_ || votes.judge_ ||
                      votes.time_ || votes.text_[0] || votes.text_[1] || votes.style_[0][0] ||
                      votes.style_[1][0];
    return votes;
  }

  /// The row at which the reader stands. Valid until it goes on.
  Result<const BattleRecord*> Parse() {
    record_.model_a = csv_->field(model_a_);
    record_.model_b = csv_->field(model_b_);
    if (record_.model_a.empty() || record_.model_b.empty() || record_.model_a == record_.model_b) {
      return csv_->Fail(ModelProblem(record_.model_a, record_.model_b));
    }
    ARENA_RETURN_IF_ERROR(ParseWinner());
    if (has_more_) ARENA_RETURN_IF_ERROR(ParseMore());
    return &record_;
  }

 private:
  explicit CsvVotes(CsvReader& csv) : csv_(&csv) {}

  Status FindOneHot(const LmsysColumns& name) {
    for (std::size_t i = 0; i < kLmsysOneHot.size(); ++i) {
      const Column column = csv_->Find(name(kLmsysOneHot[i].name));
      if (!column) return Error(csv_->Column(name("winner")).error());
      one_hot_[i] = *column;
    }
    return {};
  }

  Status ParseWinner() {
    GameOutcome& game = record_.games[0];
    if (winner_) {
      const std::string_view label = csv_->field(*winner_);
      const auto share = LmsysShare(label);
      if (!share) return csv_->Fail(UnknownLabel("winner", label, kLmsysLabels));
      game.share_a = *share;
      return {};
    }
    std::array<bool, kLmsysOneHot.size()> set{};
    for (std::size_t i = 0; i < set.size(); ++i) {
      const auto flag = ParseFlag(csv_->field(one_hot_[i]));
      if (!flag) {
        return csv_->Fail(UnknownLabel(kLmsysOneHot[i].name, csv_->field(one_hot_[i]), "0, 1"));
      }
      set[i] = *flag;
    }
    const auto share = OneHotShare(set);
    if (!share) return csv_->Fail("exactly one of winner_model_a, winner_model_b, winner_tie is 1");
    game.share_a = *share;
    return {};
  }

  /// All but names and winner.
  Status ParseMore() {
    if (instruction_) record_.instruction = csv_->field(*instruction_);
    if (category_) record_.category = csv_->field(*category_);
    if (language_) record_.language = csv_->field(*language_);
    if (judge_) record_.judge = csv_->field(*judge_);
    if (text_[0]) record_.text_a = turns_[0].Join(csv_->field(*text_[0]));
    if (text_[1]) record_.text_b = turns_[1].Join(csv_->field(*text_[1]));
    if (time_) ARENA_RETURN_IF_ERROR(ParseTime());
    if (style_[0][0]) ARENA_RETURN_IF_ERROR(ParseStyle(0, record_.style_a));
    if (style_[1][0]) ARENA_RETURN_IF_ERROR(ParseStyle(1, record_.style_b));
    return {};
  }

  Status ParseTime() {
    record_.time = std::numeric_limits<double>::quiet_NaN();
    if (csv_->field(*time_).empty()) return {};
    ARENA_ASSIGN_OR_RETURN(record_.time, ParseNumber(*time_));
    return {};
  }

  Status ParseStyle(std::size_t side, std::optional<StyleCounts>& style) {
    style.reset();
    if (csv_->field(*style_[side][0]).empty()) return {};
    style.emplace();
    const std::array<double*, 4> counts = {&style->tokens, &style->headers, &style->lists,
                                           &style->bold};
    for (std::size_t i = 0; i < counts.size(); ++i) {
      if (!style_[side][i]) continue;
      if (const auto small = SmallCount(csv_->field(*style_[side][i]))) {
        *counts[i] = *small;
        continue;
      }
      ARENA_ASSIGN_OR_RETURN(*counts[i], ParseNumber(*style_[side][i]));
      if (!(*counts[i] >= 0)) {
        return csv_->Fail(fmt::format("{} should be 0 or more", kLmsysStyleColumns[side][i]));
      }
    }
    return {};
  }

  Result<double> ParseNumber(std::size_t column) const {
    const std::string_view text = csv_->field(column);
    double number = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (code != std::errc() || end != text.data() + text.size()) {
      return csv_->Fail(UnknownLabel(csv_->header()[column], text, "numbers"));
    }
    return number;
  }

  CsvReader* csv_;
  std::size_t model_a_ = 0;
  std::size_t model_b_ = 0;
  Column winner_;
  std::array<std::size_t, kLmsysOneHot.size()> one_hot_{};
  Column instruction_;
  Column category_;
  Column language_;
  Column judge_;
  Column time_;
  std::array<Column, 2> text_;
  std::array<std::array<Column, 4>, 2> style_;
  bool has_more_ = false;  ///< any column but names and winner
  std::array<TurnsText, 2> turns_;
  BattleRecord record_;  ///< used again for each row
};

}  // namespace

Status ReadLmsysCsv(ByteWindow window, const CsvOptions& options, const LmsysColumns& columns,
                    RowLog& log, BattleSink sink) {
  ARENA_ASSIGN_OR_RETURN(CsvReader csv, CsvReader::Open(std::move(window), options));
  ARENA_ASSIGN_OR_RETURN(CsvVotes votes, CsvVotes::Make(csv, columns));
  while (true) {
    ARENA_ASSIGN_OR_RETURN(const bool more, log.Next(csv));
    if (!more) return {};
    const auto record = votes.Parse();
    if (!record.ok()) {
      ARENA_RETURN_IF_ERROR(log.BadRow(record.error()));
      continue;
    }
    ARENA_RETURN_IF_ERROR(log.Delivered(sink(**record)));
  }
}

}  // namespace arena
