#include "curate/language.h"

// CLD2's headers use FILE without including this.
#include <cstdio>
//
#include <cld2/public/compact_lang_det.h>
#include <cld2/public/encodings.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "base/parallel.h"

namespace arena {
namespace {

std::optional<std::string> ReasonToRemove(std::string_view text, const LanguageOptions& options) {
  const DetectedLanguages detected = DetectLanguages(text);
  if (!detected.is_reliable || detected.parts.empty()) {
    if (options.keep_unknown) return std::nullopt;
    return "the language is not recognised";
  }
  double share = 0;
  for (const auto& part : detected.parts) {
    const bool is_wanted =
        std::find(options.keep.begin(), options.keep.end(), part.code) != options.keep.end();
    if (is_wanted) share += part.share;
  }
  if (share >= options.confidence) return std::nullopt;
  std::string languages;
  for (const auto& part : detected.parts) {
    languages +=
        fmt::format("{}{} {:.0f}%", languages.empty() ? "" : ", ", part.code, 100 * part.share);
  }
  return languages;
}

}  // namespace

DetectedLanguages DetectLanguages(std::string_view text) {
  std::array<CLD2::Language, 3> languages{};
  std::array<int, 3> percents{};
  std::array<double, 3> scores{};
  int text_bytes = 0, valid_bytes = 0;
  bool is_reliable = false;
  const CLD2::CLDHints hints{nullptr, nullptr, CLD2::UNKNOWN_ENCODING, CLD2::UNKNOWN_LANGUAGE};
  const auto size = static_cast<int>(std::min<std::size_t>(
      text.size(), static_cast<std::size_t>(std::numeric_limits<int>::max())));
  CLD2::ExtDetectLanguageSummaryCheckUTF8(text.data(), size, /*is_plain_text=*/true, &hints,
                                          /*flags=*/0, languages.data(), percents.data(),
                                          scores.data(), nullptr, &text_bytes, &is_reliable,
                                          &valid_bytes);
  DetectedLanguages detected;
  for (std::size_t i = 0; i < languages.size(); ++i) {
    if (languages[i] == CLD2::UNKNOWN_LANGUAGE || percents[i] == 0) continue;
    detected.parts.push_back({CLD2::LanguageCode(languages[i]), percents[i] / 100.0});
  }
  detected.is_reliable = is_reliable && !detected.parts.empty();
  return detected;
}

Status CheckLanguages(const LanguageOptions& options) {
  for (const std::string& code : options.keep) {
    if (CLD2::GetLanguageFromName(code.c_str()) == CLD2::UNKNOWN_LANGUAGE) {
      return InvalidInput(fmt::format(
          "\"{}\" is not a language that can be recognised; write codes such as \"en\", \"de\", "
          "\"zh\"",
          code));
    }
  }
  return {};
}

Result<std::vector<Removal>> RemoveOtherLanguages(const KeptPool& pool,
                                                  const LanguageOptions& options) {
  std::vector<Removal> removals;
  ARENA_RETURN_IF_ERROR(pool.ForEachBatch([&](const TextBatch& batch) -> Status {
    std::vector<std::optional<std::string>> reasons(batch.texts.size());
    constexpr std::size_t kPart = 64;
    ParallelFor((reasons.size() + kPart - 1) / kPart, options.threads, [&](std::size_t part) {
      const std::size_t end = std::min((part + 1) * kPart, reasons.size());
      for (std::size_t i = part * kPart; i < end; ++i) {
        reasons[i] = ReasonToRemove(batch.texts[i], options);
      }
    });
    for (std::size_t i = 0; i < reasons.size(); ++i) {
      if (reasons[i]) removals.push_back({batch.items[i], *reasons[i]});
    }
    return {};
  }));
  return removals;
}

}  // namespace arena
