#include "curate/cluster_terms.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "curate/words.h"

namespace arena {
namespace {

constexpr std::size_t kShortestTerm = 3;
constexpr std::size_t kLongestTerm = 24;

bool CanName(std::string_view word) {
  const bool has_letter = std::any_of(word.begin(), word.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x80 || (c >= 'a' && c <= 'z');
  });
  return has_letter && word.size() >= kShortestTerm && word.size() <= kLongestTerm;
}

std::set<std::string_view> WordsOf(std::string_view normalized) {
  std::set<std::string_view> words;
  while (!normalized.empty()) {
    const std::size_t end = std::min(normalized.find(' '), normalized.size());
    if (CanName(normalized.substr(0, end))) words.insert(normalized.substr(0, end));
    normalized.remove_prefix(std::min(end + 1, normalized.size()));
  }
  return words;
}

}  // namespace

void ClusterTerms::Add(std::uint32_t cluster, std::string_view text) {
  const std::string normalized = NormalizedText(text);
  ++all_texts_;
  ++texts_[cluster];
  for (const std::string_view word : WordsOf(normalized)) {
    ++all_words_[std::string(word)];
    ++words_[cluster][std::string(word)];
  }
}

std::string ClusterTerms::Label(std::uint32_t cluster, std::size_t count) const {
  const auto texts = static_cast<double>(texts_[cluster]);
  const std::int64_t least = texts_[cluster] > 1 ? 2 : 1;
  std::vector<std::pair<double, std::string_view>> terms;
  for (const auto& [word, times] : words_[cluster]) {
    if (times < least) continue;
    const double here = static_cast<double>(times) / texts;
    const double everywhere =
        static_cast<double>(all_words_.at(word)) / static_cast<double>(all_texts_);
    const double lift = std::log(here / everywhere);
    if (lift >= 0) terms.emplace_back(-here * lift * lift, word);
  }
  std::sort(terms.begin(), terms.end());
  std::string label;
  for (std::size_t i = 0; i < std::min(count, terms.size()); ++i) {
    label += (i > 0 ? ", " : "") + std::string(terms[i].second);
  }
  return label;
}

}  // namespace arena
