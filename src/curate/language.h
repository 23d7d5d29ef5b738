// The step that keeps items in wanted languages (CLD2).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "curate/kept_pool.h"

namespace arena {

/// What a text is written in.
struct DetectedLanguages {
  struct Part {
    std::string code;  ///< ISO 639-1 ("en"), for some languages more ("zh-Hant")
    double share = 0;  ///< of the text's letters, from 0 to 1
  };
  std::vector<Part> parts;  ///< largest first, at most three; empty where nothing was recognised
  /// CLD2's own judgment. False for very short texts, code, and close relatives.
  bool is_reliable = false;
};

/// Thread-safe. Nothing is recognised in text that is not UTF-8 from its first bad byte on.
DetectedLanguages DetectLanguages(std::string_view text);

struct LanguageOptions {
  std::vector<std::string> keep = {"en"};
  /// The share of the text that must be in languages of `keep`, from 0 to 1.
  double confidence = 0.5;
  /// Whether items stay of which the language is not recognised reliably.
  bool keep_unknown = true;
  unsigned threads = 0;
};

/// An error for a code that CLD2 does not know.
Status CheckLanguages(const LanguageOptions& options);

/// Removes items in other languages.
Result<std::vector<Removal>> RemoveOtherLanguages(const KeptPool& pool,
                                                  const LanguageOptions& options);

}  // namespace arena
