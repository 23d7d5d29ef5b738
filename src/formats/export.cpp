#include "formats/export.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "formats/internal/export_writers.h"

namespace arena {
namespace {

constexpr std::array<std::pair<ExportFormat, std::string_view>, 5> kExportFormats = {{
    {ExportFormat::kJsonl, "jsonl"},
    {ExportFormat::kCsv, "csv"},
    {ExportFormat::kLmsys, "lmsys"},
    {ExportFormat::kFastChat, "fastchat"},
    {ExportFormat::kArenaHard, "arena-hard"},
}};

using RowFunction = ExportRow (*)(const ExportedBattle&, const ExportOptions&);

// Writes one JSON document a line, made by a function of the format.
class JsonlWriter final : public BattleWriter {
 public:
  JsonlWriter(RowFunction row, ExportOptions options, std::ostream& out)
      : row_(row), options_(std::move(options)), out_(out) {}

  Status Write(const ExportedBattle& battle) override {
    ARENA_ASSIGN_OR_RETURN(const std::optional<Json> row, row_(battle, options_));
    if (!row) {
      ++left_out_;
      return {};
    }
    out_ << DumpJson(*row) << '\n';
    return CheckStream(out_);
  }

  Status Finish() override {
    out_.flush();
    return CheckStream(out_);
  }

  std::int64_t left_out() const override { return left_out_; }

 private:
  const RowFunction row_;
  const ExportOptions options_;
  std::ostream& out_;
  std::int64_t left_out_ = 0;
};

}  // namespace

std::string_view ExportFormatName(ExportFormat format) {
  for (const auto& [value, name] : kExportFormats) {
    if (value == format) return name;
  }
  return "";
}

std::optional<ExportFormat> ParseExportFormat(std::string_view name) {
  for (const auto& [value, format_name] : kExportFormats) {
    if (format_name == name) return value;
  }
  return std::nullopt;
}

std::unique_ptr<BattleWriter> MakeBattleWriter(ExportFormat format, const ExportOptions& options,
                                               std::ostream& out) {
  switch (format) {
    case ExportFormat::kJsonl:
      return std::make_unique<JsonlWriter>(&ArenaRow, options, out);
    case ExportFormat::kCsv:
      return MakeCsvWriter(out);
    case ExportFormat::kLmsys:
      return std::make_unique<JsonlWriter>(&LmsysRow, options, out);
    case ExportFormat::kFastChat:
      return std::make_unique<JsonlWriter>(&FastChatRow, options, out);
    case ExportFormat::kArenaHard:
      return std::make_unique<JsonlWriter>(&ArenaHardRow, options, out);
  }
  return nullptr;
}

std::string ExportedId(const ExportedBattle& battle) {
  if (!battle.instruction.id.empty()) return battle.instruction.id;
  if (!battle.record.instruction.empty()) return std::string(battle.record.instruction);
  return battle.instruction.key.Hex();
}

std::string_view ExportedCategory(const ExportedBattle& battle) {
  if (!battle.record.category.empty()) return battle.record.category;
  return battle.instruction.category;
}

std::optional<double> PolicyShare(const RatedResults& rated) {
  double sum = 0;
  double weight = 0;
  for (int i = 0; i < rated.count; ++i) {
    const RatedResult& result = rated.results[static_cast<std::size_t>(i)];
    sum += result.share_a * result.weight;
    weight += result.weight;
  }
  if (weight <= 0) return std::nullopt;
  // Thirds and tenths do not add up to one half exactly.
  constexpr double kSlack = 1e-9;
  const double share = sum / weight;
  return std::abs(share - 0.5) <= kSlack ? 0.5 : share;
}

std::string_view WinnerLabel(double share_a) {
  return share_a > 0.5 ? "model_a" : share_a < 0.5 ? "model_b" : "tie";
}

std::string_view ExportedPrompt(const ExportedBattle& battle) {
  std::string_view prompt;
  for (const Message& message : battle.instruction.conversation) {
    if (message.role == Role::kUser) prompt = message.content;
  }
  return prompt;
}

Result<std::size_t> GameWithFirstSeat(const ExportedBattle& battle, bool a_first) {
  const auto& games = battle.record.games;
  if (battle.record.game_count != 2 || games[0].a_first == games[1].a_first) {
    return InvalidInput(fmt::format(
        "battle {} ({} against {}) has not two games with seats swapped, which this format needs; "
        "export it as jsonl, csv or lmsys",
        battle.battle_key, battle.model_a, battle.model_b));
  }
  return games[0].a_first == a_first ? std::size_t{0} : std::size_t{1};
}

Json ConversationJson(const Instruction& instruction, const std::vector<std::string>& turns) {
  return MessagesJson(WithAnswers(instruction, turns));
}

Json NumberJson(double number) {
  constexpr double kExact = 1LL << 53;
  if (std::abs(number) < kExact && std::trunc(number) == number) {
    return static_cast<std::int64_t>(number);
  }
  return number;
}

Status CheckStream(const std::ostream& out) {
  if (out.good()) return {};
  return IoError("the export could not be written; is the disk full?");
}

}  // namespace arena
