// What a group of texts is about, in its own words.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace arena {

/// Counts words by group and names the most telling of each. Not thread-safe. Memory: each
/// different word of the texts once, and once more for each group that it occurs in.
class ClusterTerms {
 public:
  explicit ClusterTerms(std::size_t clusters) : texts_(clusters), words_(clusters) {}

  void Add(std::uint32_t cluster, std::string_view text);

  /// At most `count` words of the cluster, the most telling first, joined by ", ". A word that
  /// stands in the share p of the cluster's texts and in the share q <= p of all is worth
  /// p ln(p / q)^2: the square keeps the words of every text behind rarer ones. It must stand in
  /// two texts, if the cluster has two. Words are those of words.h, with a letter and of 3 to 24
  /// bytes. Ties go by the alphabet. Empty where there is none.
  std::string Label(std::uint32_t cluster, std::size_t count) const;

 private:
  std::int64_t all_texts_ = 0;
  std::unordered_map<std::string, std::int64_t> all_words_;
  std::vector<std::int64_t> texts_;
  std::vector<std::map<std::string, std::int64_t>> words_;
};

}  // namespace arena
