#include "formats/verdicts.h"

#include <fmt/format.h>

#include <array>
#include <utility>
#include <vector>

#include "formats/internal/verdict_readers.h"

namespace arena {
namespace {

constexpr std::array<std::pair<VerdictFormat, std::string_view>, 5> kVerdictFormats = {{
    {VerdictFormat::kArena, "arena"},
    {VerdictFormat::kAlpacaEval, "alpaca-eval"},
    {VerdictFormat::kLmsys, "lmsys"},
    {VerdictFormat::kFastChat, "fastchat"},
    {VerdictFormat::kArenaHard, "arena-hard"},
}};

Status ReadSource(VerdictFormat format, const InputSource& source, const VerdictOptions& options,
                  RowLog& log, FastChatReader& fastchat, BattleSink sink) {
  switch (format) {
    case VerdictFormat::kArena:
      return ReadArenaVerdicts(source, log, sink);
    case VerdictFormat::kAlpacaEval:
      return ReadAlpacaEvalVerdicts(source, log, sink);
    case VerdictFormat::kLmsys:
      return ReadLmsysVerdicts(source, options, log, sink);
    case VerdictFormat::kFastChat:
      return fastchat.Read(source, sink);
    case VerdictFormat::kArenaHard:
      return ReadArenaHardVerdicts(source, options, log, sink);
  }
  return InternalError("unknown verdict format");
}

}  // namespace

std::string_view VerdictFormatName(VerdictFormat format) {
  for (const auto& [value, name] : kVerdictFormats) {
    if (value == format) return name;
  }
  return "";
}

std::optional<VerdictFormat> ParseVerdictFormat(std::string_view name) {
  for (const auto& [value, format_name] : kVerdictFormats) {
    if (format_name == name) return value;
  }
  return std::nullopt;
}

OutcomeOptions DefaultOutcome(VerdictFormat format) {
  OutcomeOptions options;
  switch (format) {
    case VerdictFormat::kArena:
      options.policy = OutcomePolicy::kMeanScore;
      break;
    case VerdictFormat::kAlpacaEval:
    case VerdictFormat::kLmsys:
      options.policy = OutcomePolicy::kEachGame;
      break;
    case VerdictFormat::kFastChat:
      options.policy = OutcomePolicy::kDisagreeTie;
      break;
    case VerdictFormat::kArenaHard:
      options.policy = OutcomePolicy::kEachGame;
      options.game_is_whole = true;
      options.strong_weight = 3;
      break;
  }
  return options;
}

Result<ReadReport> ReadVerdicts(VerdictFormat format, std::span<const std::filesystem::path> files,
                                const VerdictOptions& options, BattleSink sink) {
  std::vector<InputSource> sources;
  sources.reserve(files.size());
  for (const auto& file : files) sources.push_back(InputSource::File(file));
  return ReadVerdictSources(format, sources, options, sink);
}

Result<ReadReport> ReadVerdictSources(VerdictFormat format, std::span<const InputSource> sources,
                                      const VerdictOptions& options, BattleSink sink) {
  RowLog log(options.read);
  FastChatReader fastchat(options, log);
  for (const InputSource& source : sources) {
    ARENA_RETURN_IF_ERROR(ReadSource(format, source, options, log, fastchat, sink));
  }
  ARENA_RETURN_IF_ERROR(fastchat.Finish(sink));
  return log.report();
}

std::string UnknownLabel(std::string_view kind, std::string_view label, std::string_view known) {
  constexpr std::size_t kShown = 80;
  return fmt::format("unknown {} \"{}\"; known are {}", kind, label.substr(0, kShown), known);
}

std::string ModelProblem(std::string_view model_a, std::string_view model_b) {
  if (model_a.empty() || model_b.empty()) return "a model has no name";
  if (model_a == model_b) {
    return fmt::format("\"{}\" meets itself; leave such rows out", model_a);
  }
  return "";
}

}  // namespace arena
