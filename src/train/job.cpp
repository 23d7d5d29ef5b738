#include "train/job.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"

namespace arena::train {
namespace {

constexpr std::array<std::string_view, 9> kKeys = {"protocol", "trainer",   "model",
                                                   "data",     "eval_data", "reward_model",
                                                   "ptx_data", "out",       "settings"};

Result<std::string> Text(const Json& json, std::string_view key) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_string() || found->get_ref<const std::string&>().empty()) {
    return InvalidInput(fmt::format("\"{}\" must be a text", key));
  }
  return found->get<std::string>();
}

Result<std::optional<std::filesystem::path>> OptionalPath(const Json& json, std::string_view key) {
  if (!json.contains(key)) return std::optional<std::filesystem::path>();
  ARENA_ASSIGN_OR_RETURN(const std::string path, Text(json, key));
  return std::optional<std::filesystem::path>(path);
}

Result<std::map<std::string, std::string>> SettingPairs(const Json& json) {
  std::map<std::string, std::string> pairs;
  if (!json.contains("settings")) return pairs;
  if (!json["settings"].is_object()) return InvalidInput("\"settings\" must be an object");
  for (const auto& [key, value] : json["settings"].items()) {
    pairs[key] = value.is_string() ? value.get<std::string>() : DumpJson(value);
  }
  return pairs;
}

Result<Job> ParseJob(std::string_view text) {
  ARENA_ASSIGN_OR_RETURN(const Json json, ParseJson(text));
  if (!json.is_object()) return InvalidInput("a job is a JSON object");
  for (const auto& [key, value] : json.items()) {
    if (std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end()) {
      return InvalidInput(fmt::format("\"{}\" is unknown", key));
    }
  }
  Job job;
  ARENA_ASSIGN_OR_RETURN(const std::string trainer, Text(json, "trainer"));
  ARENA_ASSIGN_OR_RETURN(job.trainer, ParseTrainerKind(trainer));
  ARENA_ASSIGN_OR_RETURN(job.model, Text(json, "model"));
  ARENA_ASSIGN_OR_RETURN(job.data, Text(json, "data"));
  ARENA_ASSIGN_OR_RETURN(job.out, Text(json, "out"));
  ARENA_ASSIGN_OR_RETURN(job.eval_data, OptionalPath(json, "eval_data"));
  ARENA_ASSIGN_OR_RETURN(job.reward_model, OptionalPath(json, "reward_model"));
  ARENA_ASSIGN_OR_RETURN(job.ptx_data, OptionalPath(json, "ptx_data"));
  ARENA_ASSIGN_OR_RETURN(const auto pairs, SettingPairs(json));
  ARENA_ASSIGN_OR_RETURN(job.settings, ParseSettings(job.trainer, pairs));
  job.hash = HashBytes(text).Hex();
  const bool is_ppo = job.trainer == TrainerKind::kPpo;
  if (is_ppo && !job.reward_model) return InvalidInput("ppo needs a reward model");
  if (!is_ppo && job.reward_model) return InvalidInput("only ppo has a reward model");
  if (!is_ppo && job.ptx_data) return InvalidInput("only ppo has ptx data");
  if (is_ppo && job.ptx_data.has_value() != (job.settings.ppo.ptx_weight > 0)) {
    return InvalidInput("ptx data and a ptx_weight above 0 go together");
  }
  return job;
}

}  // namespace

Result<Job> ReadJob(const std::filesystem::path& path) {
  ARENA_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  Result<Job> job = ParseJob(text);
  if (!job.ok()) {
    return Error{job.error().code, fmt::format("{}: {}", path.string(), job.error().message)};
  }
  return job;
}

}  // namespace arena::train
