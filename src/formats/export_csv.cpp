// CSV: one row a battle, for spreadsheets and data frames. RFC 4180 with "\n" line ends.
#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "formats/internal/export_writers.h"

namespace arena {
namespace {

constexpr std::string_view kHeader =
    "question_id,category,language,judge,model_a,model_b,winner,share_a,"
    "game_1_first,game_1_winner,game_1_score_a,game_1_score_b,"
    "game_2_first,game_2_winner,game_2_score_a,game_2_score_b,tstamp,"
    "sum_assistant_a_tokens,header_count_a,list_count_a,bold_count_a,"
    "sum_assistant_b_tokens,header_count_b,list_count_b,bold_count_b,"
    "prompt,response_a,response_b";

constexpr double kNotKnown = std::numeric_limits<double>::quiet_NaN();

std::string ValidUtf8(std::string_view text) {
  if (simdjson::validate_utf8(text.data(), text.size())) return std::string(text);
  // The JSON writer already knows how to replace what is not UTF-8.
  const auto replaced = ParseJson(DumpJson(Json(text)));
  return replaced.ok() ? replaced->get<std::string>() : std::string();
}

class RowBuilder {
 public:
  void Add(std::string_view text) {
    Separate();
    const std::string valid = ValidUtf8(text);
    if (valid.find_first_of(",\"\r\n\t") == std::string::npos) {
      row_ += valid;
      return;
    }
    row_ += '"';
    for (const char c : valid) {
      if (c == '"') row_ += '"';
      row_ += c;
    }
    row_ += '"';
  }

  // NaN, which is "not known", becomes an empty field.
  void Add(double number) {
    Separate();
    if (std::isfinite(number)) row_ += fmt::format("{}", number);
  }

  std::string Take() { return std::move(row_) + '\n'; }

 private:
  void Separate() {
    if (!is_first_) row_ += ',';
    is_first_ = false;
  }

  std::string row_;
  bool is_first_ = true;
};

std::string_view GameLabel(const GameOutcome& game) {
  if (game.is_void) return "void";
  return WinnerLabel(game.share_a);
}

void AddGame(RowBuilder& row, const BattleRecord& record, int number) {
  if (number >= record.game_count) {
    for (int i = 0; i < 4; ++i) row.Add("");
    return;
  }
  const GameOutcome& game = record.games[static_cast<std::size_t>(number)];
  row.Add(game.a_first ? "model_a" : "model_b");
  row.Add(GameLabel(game));
  const bool scored = game.has_scores && !game.is_void;
  row.Add(scored ? game.score_a : kNotKnown);
  row.Add(scored ? game.score_b : kNotKnown);
}

void AddStyle(RowBuilder& row, const std::optional<StyleCounts>& style) {
  const StyleCounts counts =
      style.value_or(StyleCounts{kNotKnown, kNotKnown, kNotKnown, kNotKnown});
  for (const double count : {counts.tokens, counts.headers, counts.lists, counts.bold}) {
    row.Add(count);
  }
}

class CsvWriter final : public BattleWriter {
 public:
  explicit CsvWriter(std::ostream& out) : out_(out) {}

  Status Write(const ExportedBattle& battle) override {
    WriteHeader();
    const auto share_a = PolicyShare(battle.rated);
    if (!share_a) {
      ++left_out_;
      return CheckStream(out_);
    }
    const BattleRecord& record = battle.record;
    RowBuilder row;
    row.Add(ExportedId(battle));
    for (const std::string_view text : {ExportedCategory(battle), record.language}) row.Add(text);
    for (const std::string& text : {battle.judge, battle.model_a, battle.model_b}) row.Add(text);
    row.Add(WinnerLabel(*share_a));
    row.Add(*share_a);
    AddGame(row, record, 0);
    AddGame(row, record, 1);
    row.Add(record.time);
    AddStyle(row, record.style_a);
    AddStyle(row, record.style_b);
    row.Add(ExportedPrompt(battle));
    row.Add(battle.turns_a.empty() ? record.text_a : battle.turns_a.back());
    row.Add(battle.turns_b.empty() ? record.text_b : battle.turns_b.back());
    out_ << row.Take();
    return CheckStream(out_);
  }

  Status Finish() override {
    WriteHeader();  // a table without rows still names its columns
    out_.flush();
    return CheckStream(out_);
  }

  std::int64_t left_out() const override { return left_out_; }

 private:
  void WriteHeader() {
    if (!header_written_) out_ << kHeader << '\n';
    header_written_ = true;
  }

  std::ostream& out_;
  bool header_written_ = false;
  std::int64_t left_out_ = 0;
};

}  // namespace

std::unique_ptr<BattleWriter> MakeCsvWriter(std::ostream& out) {
  return std::make_unique<CsvWriter>(out);
}

}  // namespace arena
