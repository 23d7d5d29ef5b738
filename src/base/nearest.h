// "Did you mean ...?"
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace arena {

/// Levenshtein distance in bytes.
std::size_t EditDistance(std::string_view a, std::string_view b);

/// The candidate nearest to `word`, if it is near enough to be what was meant (at most a third of
/// the word's letters differ; two may from four letters on, one in shorter words).
std::optional<std::string> NearestName(std::string_view word,
                                       std::span<const std::string_view> candidates);

}  // namespace arena
