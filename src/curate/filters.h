// Steps that judge each item by itself: safety and length.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/moderator.h"
#include "curate/kept_pool.h"

namespace arena {

/// Regular expressions, all looked for at once (RE2). Thread-safe.
class PatternSet {
 public:
  /// One pattern a line, RE2's syntax ((?i) at its start: case does not count); empty lines and
  /// lines that begin with # are skipped. `name` is the file's, for messages. Errors: a pattern
  /// that is not valid, with its line; more than 64 MB of compiled patterns.
  static Result<PatternSet> Parse(std::string_view name, std::string_view text);
  PatternSet(PatternSet&&) noexcept;
  PatternSet& operator=(PatternSet&&) noexcept;
  ~PatternSet();

  /// "FILE:LINE" of the first pattern that occurs in `text`; nothing if none does. Invalid UTF-8
  /// matches nothing but the bytes around it.
  std::optional<std::string> Find(std::string_view text) const;

 private:
  struct Impl;
  explicit PatternSet(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

struct UnsafeOptions {
  /// The flags of the data that count (ItemFlag::name).
  std::vector<std::string> flags = {"openai_moderation", "toxic", "redacted"};
  const PatternSet* patterns = nullptr;  ///< looked for in every message; may be null
  Moderator* moderator = nullptr;  ///< asked about prompts that the others let pass; may be null
};

/// Removes items that the data calls unsafe, in which a pattern occurs, or whose prompt the
/// moderator calls unsafe.
Result<std::vector<Removal>> RemoveUnsafe(const KeptPool& pool, const UnsafeOptions& options);

enum class LengthUnit { kCharacters, kWords };
std::string_view LengthUnitName(LengthUnit unit);
std::optional<LengthUnit> ParseLengthUnit(std::string_view name);

struct LengthOptions {
  LengthUnit unit = LengthUnit::kCharacters;  ///< code points, or words as words.h defines them
  std::int64_t least = 10;
  std::int64_t most = 0;  ///< 0: no limit
};

/// The length of a prompt: code points without space at its ends, or words.
std::int64_t PromptLength(std::string_view text, LengthUnit unit);

/// Removes items whose prompt is too short or too long.
Result<std::vector<Removal>> RemoveByLength(const KeptPool& pool, const LengthOptions& options);

}  // namespace arena
