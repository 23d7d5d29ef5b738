#include "formats/internal/lmsys_columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/nearest.h"
#include "formats/internal/verdict_readers.h"

namespace arena {
const std::string_view kLmsysLabels = "model_a, model_b, tie, tie (bothbad), both_bad";

std::optional<double> LmsysShare(std::string_view winner) {
  // Votes come in no order: one branch for both names is the least that can be mispredicted.
  if (winner == "model_a" || winner == "model_b") return winner.back() == 'a' ? 1.0 : 0.0;
  if (winner == "tie" || winner == "tie (bothbad)" || winner == "both_bad") return 0.5;
  return std::nullopt;
}

Result<LmsysColumns> LmsysColumns::Make(const std::map<std::string, std::string>& mapped) {
  for (const auto& [canonical, actual] : mapped) {
    if (std::find(kLmsysColumnNames.begin(), kLmsysColumnNames.end(), canonical) !=
        kLmsysColumnNames.end())
      continue;
    const auto nearest = NearestName(canonical, kLmsysColumnNames);
    return InvalidInput(nearest ? fmt::format("votes have no column \"{}\"; did you mean \"{}\"?",
                                              canonical, *nearest)
                                : fmt::format("votes have no column \"{}\"; they have {}",
                                              canonical, fmt::join(kLmsysColumnNames, ", ")));
  }
  return LmsysColumns(mapped);
}

std::string_view LmsysColumns::operator()(std::string_view canonical) const {
  const auto found = mapped_.find(std::string(canonical));
  return found == mapped_.end() ? canonical : std::string_view(found->second);
}

std::optional<double> OneHotShare(const std::array<bool, kLmsysOneHot.size()>& set) {
  std::optional<double> share;
  for (std::size_t i = 0; i < set.size(); ++i) {
    if (!set[i]) continue;
    if (share) return std::nullopt;
    share = kLmsysOneHot[i].share_a;
  }
  return share;
}

std::optional<bool> ParseFlag(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (lower == "1" || lower == "1.0" || lower == "true") return true;
  if (lower == "0" || lower == "0.0" || lower == "false") return false;
  return std::nullopt;
}

void AppendTurn(std::string_view turn, std::string& text) {
  if (!text.empty()) text += "\n\n";
  text += turn;
}

std::string_view TurnsText::Join(std::string_view cell) {
  if (!cell.starts_with('[')) return cell;
  JsonArray turns;
  if (parser_.parse(cell.data(), cell.size()).get(turns) != simdjson::SUCCESS) return cell;
  joined_.clear();
  for (const JsonElement turn : turns) {
    if (turn.is_null()) continue;
    const auto text = JsonString(turn);
    if (!text) return cell;
    AppendTurn(*text, joined_);
  }
  return joined_;
}

}  // namespace arena
