#include "curate/internal/step_files.h"

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/file.h"

namespace arena {
namespace {

constexpr int kVersion = 1;

Json RemovalJson(const Removal& removal) {
  return {removal.item, removal.reason, removal.matched, removal.is_benchmark, removal.similarity};
}

Removal RemovalOf(const Json& json) {
  return {json.at(0).get<std::uint32_t>(), json.at(1).get<std::string>(),
          json.at(2).get<std::uint32_t>(), json.at(3).get<bool>(), json.at(4).get<double>()};
}

std::optional<std::string_view> NextLine(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

StepResult ParseStepFile(std::string_view text, const Key& fingerprint, std::size_t pool_items,
                         bool& is_valid) {
  StepResult result;
  const auto first = NextLine(text);
  if (!first) return result;
  const Json head = Json::parse(*first);
  if (head.at("version") != kVersion || head.at("fingerprint") != fingerprint.Hex()) return result;
  for (const Json& point : head.at("curve")) {
    result.curve.push_back({point.at(0).get<double>(), point.at(1).get<std::int64_t>()});
  }
  while (const auto line = NextLine(text)) {
    result.removals.push_back(RemovalOf(Json::parse(*line)));
    if (result.removals.back().item >= pool_items) return result;
  }
  is_valid = text.empty() && result.removals.size() == head.at("removed").get<std::size_t>();
  return result;
}

}  // namespace

Status WriteStepFile(const std::filesystem::path& file, const Key& fingerprint,
                     const StepResult& result) {
  Json head = {{"version", kVersion},
               {"fingerprint", fingerprint.Hex()},
               {"removed", result.removals.size()},
               {"curve", Json::array()}};
  for (const CurvePoint& point : result.curve) {
    head["curve"].push_back({point.threshold, point.removed});
  }
  std::string text = DumpJson(head) + "\n";
  for (const Removal& removal : result.removals) text += DumpJson(RemovalJson(removal)) + "\n";
  return WriteFileAtomic(file, text);
}

std::optional<StepResult> ReadStepFile(const std::filesystem::path& file, const Key& fingerprint,
                                       std::size_t pool_items) {
  const auto text = ReadFile(file);
  if (!text.ok()) return std::nullopt;
  try {
    bool is_valid = false;
    StepResult result = ParseStepFile(*text, fingerprint, pool_items, is_valid);
    if (is_valid) return result;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;  // not a file of ours: the step runs again
  }
  return std::nullopt;
}

}  // namespace arena
