#include "cli/contestant_config.h"

#include <array>

namespace arena {
namespace {

const std::vector<std::string_view>& AnswerFormats() {
  static const std::vector<std::string_view> kNames = [] {
    std::vector<std::string_view> names;
    for (const AnswerFormat format :
         {AnswerFormat::kFastChat, AnswerFormat::kArenaHard, AnswerFormat::kAlpacaEval,
          AnswerFormat::kGsm8k, AnswerFormat::kJsonl, AnswerFormat::kCsv}) {
      names.push_back(AnswerFormatName(format));
    }
    return names;
  }();
  return kNames;
}

constexpr std::array<std::string_view, 5> kContestantKinds = {"recorded", "local", "openai",
                                                              "anthropic", "ollama"};
constexpr std::array<std::string_view, 3> kPrecisions = {"auto", "f32", "bf16"};

void ReadSampling(TableReader& table, LocalContestant::Options& local) {
  table.Read("system_prompt", local.system_prompt);
  table.Read("temperature", local.sampling.temperature);
  table.ReadAtLeast("top_k", 0, local.sampling.top_k);
  table.Read("top_p", local.sampling.top_p);
  table.Read("min_p", local.sampling.min_p);
  table.Read("repetition_penalty", local.sampling.repetition_penalty);
  std::int64_t seed = 0;
  table.ReadAtLeast("seed", 0, seed);
  local.sampling.seed = static_cast<std::uint64_t>(seed);
  table.ReadAtLeast("max_new_tokens", 0, local.max_new_tokens);
  table.Read("stop", local.stop);
  table.Read("keep_cut", local.keep_cut);
}

}  // namespace

void ReadLocalModel(TableReader& table, LocalModelOptions& model) {
  table.ReadPath("checkpoint", model.pool.model);
  table.Read("chat_template", model.chat_template);
  table.ReadName("precision", kPrecisions, OneOf(kPrecisions), model.pool.precision);
  std::int64_t workers = 0;
  table.ReadAtLeast("workers", 0, workers);
  model.pool.workers = static_cast<unsigned>(workers);
  table.ReadAtLeast("max_batch", 1, model.pool.max_batch);
  table.ReadAtLeast("cache_mb", 1, model.pool.cache_mb);
}

void ReadContestantTable(TableReader& table, const EndpointConfigs& endpoints,
                         ContestantConfig& contestant) {
  table.Read("name", contestant.name);
  table.Read("family", contestant.family);
  table.ReadName("kind", kContestantKinds, OneOf(kContestantKinds), contestant.kind);
  if (IsEndpointKind(contestant.kind)) {
    const std::string owner =
        contestant.name.empty()
            ? fmt::format("[{}]", table.path().substr(0, table.path().size() - 1))
            : fmt::format("the contestant \"{}\"", contestant.name);
    contestant.endpoint = ReadEndpointModel(table, contestant.kind, endpoints, owner);
    contestant.endpoint.model.name = contestant.name;
    contestant.endpoint.model.family = contestant.family;
    return;
  }
  table.ReadName("format", AnswerFormats(), ParseAnswerFormat, contestant.format);
  table.ReadPath("file", contestant.file);
  table.Read("model", contestant.model);
  table.Read("columns", contestant.columns);
  ReadLocalModel(table, contestant.local.model);
  ReadSampling(table, contestant.local);
  contestant.local.name = contestant.name;
  contestant.local.family = contestant.family;
}

}  // namespace arena
