#include "train/internal/state_json.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/json.h"

namespace arena::train::internal {
namespace {

constexpr std::string_view kFormat = "arena-training-state";
constexpr int kVersion = 1;

}  // namespace

Result<std::string> StateToJson(const TrainingState& state, const ContentHashes& hashes) {
  for (const auto& [name, number] : state.numbers) {
    if (!std::isfinite(number)) {
      return InvalidInput(fmt::format("the state of the run is broken: {} is {}", name, number));
    }
  }
  const Json json = {{"format", kFormat},
                     {"version", kVersion},
                     {"job", state.job},
                     {"step", state.step},
                     {"epoch", state.epoch},
                     {"data_position", state.data_position},
                     {"counters", state.counters},
                     {"numbers", state.numbers},
                     {"generators", state.generators},
                     {"files", hashes}};
  return DumpJson(json, 2) + "\n";
}

Result<ParsedState> ParseState(std::string_view text) {
  ARENA_ASSIGN_OR_RETURN(const Json json, ParseJson(text));
  try {
    if (json.at("format") != kFormat || json.at("version") != kVersion) {
      return InvalidInput(fmt::format("is no training state of version {}", kVersion));
    }
    ParsedState parsed;
    json.at("job").get_to(parsed.state.job);
    json.at("step").get_to(parsed.state.step);
    json.at("epoch").get_to(parsed.state.epoch);
    json.at("data_position").get_to(parsed.state.data_position);
    json.at("counters").get_to(parsed.state.counters);
    json.at("numbers").get_to(parsed.state.numbers);
    json.at("generators").get_to(parsed.state.generators);
    json.at("files").get_to(parsed.hashes);
    return parsed;
  } catch (const Json::exception& error) {
    return InvalidInput(fmt::format("is no training state: {}", error.what()));
  }
}

}  // namespace arena::train::internal
