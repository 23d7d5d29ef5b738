#include "curate/lexical_embedder.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <string>

#include "base/parallel.h"
#include "curate/shingles.h"
#include "curate/words.h"

namespace arena {
namespace {

constexpr std::size_t kBuckets = std::size_t{1} << 20;
constexpr int kCharacters = 4;
constexpr int kSigns = 8;
constexpr std::size_t kTextsAtOnce = 64;

// The features of one text after the other, sorted. Not thread-safe.
class FeatureReader {
 public:
  void Read(std::string_view text) {
    normalized_ = NormalizedText(text);
    words_.clear();
    AppendWordHashes(normalized_, words_);
    word_features_ = words_;
    for (std::size_t i = 0; i + 1 < words_.size(); ++i) {
      word_features_.push_back(MixBits(words_[i], words_[i + 1]));
    }
    bytes_.clear();
    for (const char c : normalized_) {
      bytes_.push_back(MixBits(static_cast<unsigned char>(c), 1));
    }
    RollingHashes(bytes_, kCharacters, letter_features_);
    std::sort(word_features_.begin(), word_features_.end());
    std::sort(letter_features_.begin(), letter_features_.end());
  }
  const std::vector<std::uint64_t>& words() const { return word_features_; }
  const std::vector<std::uint64_t>& letters() const { return letter_features_; }

 private:
  std::string normalized_;
  std::vector<std::uint64_t> words_, bytes_, word_features_, letter_features_;
};

// Calls body(feature, times) for each run of equal features.
template <typename Body>
void ForEachRun(const std::vector<std::uint64_t>& sorted, Body body) {
  for (std::size_t begin = 0; begin < sorted.size();) {
    std::size_t end = begin;
    while (end < sorted.size() && sorted[end] == sorted[begin]) ++end;
    body(sorted[begin], end - begin);
    begin = end;
  }
}

using Sums = std::array<float, LexicalEmbedder::kDimensions>;

void AddProjected(std::uint64_t feature, float weight, Sums& sums) {
  // 8 places of 8 bits each; the signs are other bits of the same feature.
  const std::uint64_t places = MixBits(feature, 2);
  const std::uint64_t signs = MixBits(feature, 3);
  for (int i = 0; i < kSigns; ++i) {
    const float signed_weight = (signs >> i & 1) != 0 ? weight : -weight;
    sums[places >> 8 * i & 0xFF] += signed_weight;
  }
}

}  // namespace

LexicalEmbedder::LexicalEmbedder(std::uint64_t seed) : seed_(seed), frequencies_(kBuckets) {}

void LexicalEmbedder::Count(std::span<const std::string_view> texts, unsigned threads) {
  counted_ += static_cast<std::int64_t>(texts.size());
  ParallelFor((texts.size() + kTextsAtOnce - 1) / kTextsAtOnce, threads, [&](std::size_t part) {
    FeatureReader reader;
    const auto add = [&](std::uint64_t feature, std::size_t) {
      std::atomic_ref(frequencies_[feature % kBuckets]).fetch_add(1, std::memory_order_relaxed);
    };
    const std::size_t end = std::min((part + 1) * kTextsAtOnce, texts.size());
    for (std::size_t i = part * kTextsAtOnce; i < end; ++i) {
      reader.Read(texts[i]);
      ForEachRun(reader.words(), add);
      ForEachRun(reader.letters(), add);
    }
  });
}

Status LexicalEmbedder::Embed(std::span<const std::string_view> texts,
                              std::span<float> vectors) const {
  FeatureReader reader;
  const auto weight_of = [&](std::uint64_t feature, std::size_t times) {
    const auto frequency = static_cast<double>(frequencies_[feature % kBuckets]);
    const double idf = 1 + std::log((1 + static_cast<double>(counted_)) / (1 + frequency));
    return static_cast<float>((1 + std::log(static_cast<double>(times))) * idf);
  };
  for (std::size_t i = 0; i < texts.size(); ++i) {
    reader.Read(texts[i]);
    Sums total{};
    for (const auto* features : {&reader.words(), &reader.letters()}) {
      Sums sums{};
      double squares = 0;
      ForEachRun(*features, [&](std::uint64_t feature, std::size_t times) {
        const float weight = weight_of(feature, times);
        squares += static_cast<double>(weight) * static_cast<double>(weight);
        AddProjected(MixBits(feature, seed_), weight, sums);
      });
      const auto scale = squares > 0 ? static_cast<float>(1 / std::sqrt(squares)) : 0.0F;
      for (std::size_t d = 0; d < kDimensions; ++d) total[d] += scale * sums[d];
    }
    ScaleToUnit(total);
    std::copy(total.begin(), total.end(), vectors.subspan(i * kDimensions).begin());
  }
  return {};
}

}  // namespace arena
