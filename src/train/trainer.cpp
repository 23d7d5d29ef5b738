#include "train/trainer.h"

#include <fmt/format.h>

#include <algorithm>

namespace arena::train {

std::size_t PassTokens(const Settings& settings, const ModelConfig& config) {
  if (settings.micro_batch_tokens > 0) {
    return static_cast<std::size_t>(settings.micro_batch_tokens);
  }
  return config.hidden_size <= 256 ? 1024 : 2048;
}

Status CheckFits(const TokenData& data, const std::filesystem::path& path,
                 const ModelConfig& config) {
  for (std::size_t i = 0; i < data.sequences(); ++i) {
    const std::int64_t row = data.rows[data.has_pairs() ? i / 2 : i];
    const auto tokens = data.Sequence(i);
    if (static_cast<std::int64_t>(tokens.size()) > config.max_position_embeddings) {
      return InvalidInput(fmt::format("{}: row {} has {} tokens, the model's context is {}",
                                      path.string(), row, tokens.size(),
                                      config.max_position_embeddings));
    }
    const auto bad = std::find_if(tokens.begin(), tokens.end(),
                                  [&](std::int32_t token) { return token >= config.vocab_size; });
    if (bad != tokens.end()) {
      return InvalidInput(fmt::format("{}: row {} has token {}, the vocabulary ends at {}",
                                      path.string(), row, *bad, config.vocab_size - 1));
    }
  }
  return {};
}

Error NotFinite(std::int64_t step, std::string_view what, const std::vector<std::int64_t>& rows) {
  constexpr std::size_t kMost = 20;
  const std::size_t count = std::min(kMost, rows.size());
  const std::string more =
      rows.size() > count ? fmt::format(" and {} more", rows.size() - count) : "";
  return InvalidInput(fmt::format(
      "step {}: {} is not finite; the weights are as before it. It learned from rows {}{} of the "
      "data: look at them, or lower learning_rate",
      step + 1, what,
      fmt::join(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(count), ", "), more));
}

}  // namespace arena::train
