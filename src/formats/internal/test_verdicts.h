// Battles as values, for the tests of the verdict readers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "formats/verdicts.h"

namespace arena {

/// A BattleRecord that owns its texts.
struct OwnedBattle {
  std::string instruction, category, language, judge, model_a, model_b, text_a, text_b;
  BattleRecord record;  ///< its views are not to be used
};

struct ReadBattles {
  std::vector<OwnedBattle> battles;
  ReadReport report;
  std::string error;
};

inline ReadBattles ReadVerdictTexts(VerdictFormat format, const std::vector<std::string>& texts,
                                    const VerdictOptions& options = {}) {
  ReadBattles read;
  std::vector<InputSource> sources;
  for (const auto& text : texts) {
    sources.push_back(InputSource::Memory("f" + std::to_string(sources.size() + 1), text));
  }
  auto report = ReadVerdictSources(format, sources, options, [&](const BattleRecord& b) -> Status {
    read.battles.push_back({std::string(b.instruction), std::string(b.category),
                            std::string(b.language), std::string(b.judge), std::string(b.model_a),
                            std::string(b.model_b), std::string(b.text_a), std::string(b.text_b),
                            b});
    return {};
  });
  if (report.ok()) {
    read.report = *report;
  } else {
    read.error = report.error().message;
  }
  return read;
}

inline ReadBattles ReadVerdictText(VerdictFormat format, const std::string& text,
                                   const VerdictOptions& options = {}) {
  return ReadVerdictTexts(format, {text}, options);
}

}  // namespace arena
