#include "curate/test_set_build.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

#include "base/file.h"
#include "curate/cluster_terms.h"
#include "curate/clustering.h"
#include "curate/internal/embed_all.h"
#include "curate/internal/test_set_draw.h"
#include "curate/internal/test_set_output.h"
#include "curate/kept_pool.h"
#include "curate/words.h"

namespace arena {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kTextsForLabel = 60;
constexpr std::size_t kTermsInLabel = 4;
constexpr std::size_t kRatedAtOnce = 256;
constexpr std::size_t kMapItems = 3000;
constexpr std::size_t kTestExcerptBytes = 500;

// Equal for prompts that ask the same.
Key PromptKey(const PoolItem& item) {
  const std::string prompt = PromptText(item.conversation);
  const std::string normalized = NormalizedText(prompt);
  return HashBytes(normalized.empty() ? prompt : normalized);
}

// From the pool to the files. Items that take part are numbered in the order of their keys, so that
// the order of the pool does not matter.
class TestSetBuilder {
 public:
  TestSetBuilder(const TestSetInputs& inputs, const TestSetSettings& settings, const fs::path& out,
                 const TestSetProgress& progress)
      : inputs_(inputs), settings_(settings), out_(out), progress_(progress) {}

  Result<TestSetReport> Run() {
    ARENA_RETURN_IF_ERROR(MakeFolder(out_));
    progress_("reading the pool");
    ARENA_RETURN_IF_ERROR(NumberItems());
    progress_(fmt::format("embedding {} prompts", keys_.size()));
    ARENA_RETURN_IF_ERROR(Embed());
    progress_(fmt::format("clustering into {}", settings_.clusters));
    const ClusterOptions options{.clusters = settings_.clusters, .seed = settings_.seed};
    ARENA_ASSIGN_OR_RETURN(clustering_, ClusterVectors(vectors_, dimensions_, options));
    draw_ = DrawTestSet(clustering_.cluster_of, clustering_.clusters, keys_, settings_);
    ARENA_RETURN_IF_ERROR(Gather());
    ARENA_RETURN_IF_ERROR(Rate());
    ChooseHard();
    ARENA_RETURN_IF_ERROR(WriteTestSets(inputs_, settings_, chosen_, out_));
    ARENA_RETURN_IF_ERROR(FillReport());
    ARENA_RETURN_IF_ERROR(WriteTestSetManifest(inputs_, settings_, report_, out_));
    return std::move(report_);
  }

 private:
  struct Numbered {
    Key prompt;
    Key conversation;
    std::uint32_t place;  // in the pool
  };

  // Decides which items take part and numbers them.
  Status NumberItems() {
    std::vector<Numbered> all;
    ARENA_RETURN_IF_ERROR(inputs_.pool([&](const PoolItem& item) -> Status {
      all.push_back({PromptKey(item), ConversationKey(item.conversation),
                     static_cast<std::uint32_t>(all.size())});
      return {};
    }));
    if (all.empty()) return InvalidInput("the pool has no items");
    report_.items = static_cast<std::int64_t>(all.size());
    takes_part_.assign(all.size(), false);
    number_of_.assign(all.size(), 0);
    std::sort(all.begin(), all.end(), [](const Numbered& a, const Numbered& b) {
      return std::tie(a.prompt, a.conversation, a.place) <
             std::tie(b.prompt, b.conversation, b.place);
    });
    for (const Numbered& item : all) {
      if (!keys_.empty() && keys_.back() == item.prompt) continue;
      takes_part_[item.place] = true;
      number_of_[item.place] = static_cast<std::uint32_t>(keys_.size());
      keys_.push_back(item.prompt);
    }
    report_.distinct = static_cast<std::int64_t>(keys_.size());
    return {};
  }

  Status Embed() {
    const KeptPool pool(inputs_.pool, takes_part_);
    if (inputs_.embedder != nullptr) return EmbedWith(*inputs_.embedder, pool);
    ARENA_ASSIGN_OR_RETURN(const LexicalEmbedder embedder,
                           CountedLexicalEmbedder(pool, settings_.seed, settings_.threads));
    return EmbedWith(embedder, pool);
  }

  Status EmbedWith(const Embedder& embedder, const KeptPool& pool) {
    dimensions_ = embedder.dimensions();
    vectors_.resize(keys_.size() * dimensions_);
    return pool.ForEachBatch([&](const TextBatch& batch) -> Status {
      ARENA_ASSIGN_OR_RETURN(const std::vector<float> vectors,
                             EmbedAll(embedder, batch.texts, settings_.threads));
      for (std::size_t i = 0; i < batch.items.size(); ++i) {
        const auto from = vectors.begin() + static_cast<std::ptrdiff_t>(i * dimensions_);
        std::copy_n(from, dimensions_,
                    vectors_.begin() +
                        static_cast<std::ptrdiff_t>(number_of_[batch.items[i]] * dimensions_));
      }
      return {};
    });
  }

  // Those nearest to the centre of each cluster: their words name it.
  std::vector<bool> ChooseForLabels() const {
    std::vector<std::vector<std::uint32_t>> members(clustering_.clusters);
    for (std::uint32_t i = 0; i < keys_.size(); ++i) {
      members[clustering_.cluster_of[i]].push_back(i);
    }
    std::vector<bool> is_chosen(keys_.size(), false);
    for (auto& items : members) {
      std::stable_sort(items.begin(), items.end(), [&](std::uint32_t a, std::uint32_t b) {
        return clustering_.similarity[a] > clustering_.similarity[b];
      });
      items.resize(std::min(items.size(), kTextsForLabel));
      for (const std::uint32_t item : items) is_chosen[item] = true;
    }
    return is_chosen;
  }

  // Texts of what was drawn, and the clusters' labels, in one pass.
  Status Gather() {
    const std::vector<bool> is_for_label = ChooseForLabels();
    for (const auto* drawn : {&draw_.diverse, &draw_.candidates}) {
      for (const std::uint32_t item : *drawn) texts_.emplace(item, PoolItem());
    }
    ClusterTerms terms(clustering_.clusters);
    const KeptPool pool(inputs_.pool, takes_part_);
    ARENA_RETURN_IF_ERROR(pool.ForEach([&](std::uint32_t place, const PoolItem& item) -> Status {
      const std::uint32_t number = number_of_[place];
      if (const auto wanted = texts_.find(number); wanted != texts_.end()) {
        wanted->second = item;
      }
      if (is_for_label[number]) {
        terms.Add(clustering_.cluster_of[number], PromptText(item.conversation));
      }
      return {};
    }));
    for (std::uint32_t c = 0; c < clustering_.clusters; ++c) {
      labels_.push_back(terms.Label(c, kTermsInLabel));
    }
    return {};
  }

  Status Rate() {
    for (std::size_t begin = 0; begin < draw_.candidates.size(); begin += kRatedAtOnce) {
      progress_(fmt::format("rating candidates: {} of {}", begin, draw_.candidates.size()));
      const std::size_t end = std::min(begin + kRatedAtOnce, draw_.candidates.size());
      std::vector<PoolItem> items;
      for (std::size_t i = begin; i < end; ++i) items.push_back(texts_.at(draw_.candidates[i]));
      ARENA_ASSIGN_OR_RETURN(const auto ratings, inputs_.rater->Rate(items));
      ratings_.insert(ratings_.end(), ratings.begin(), ratings.end());
    }
    rated_ = static_cast<std::size_t>(std::count_if(ratings_.begin(), ratings_.end(),
                                                    [](const auto& r) { return r.has_value(); }));
    if (rated_ > 0 || ratings_.empty()) return {};
    return InvalidInput(
        fmt::format("none of the {} candidates for Hard has a rating (by {}); rate by length, or "
                    "ask for no hard prompts",
                    ratings_.size(), inputs_.rater->name()));
  }

  // Diverse as drawn, then the best rated candidates; what is equal stays in the drawn order of
  // keys.
  void ChooseHard() {
    for (const std::uint32_t item : draw_.diverse) {
      Choose(item, false, std::nullopt);
    }
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < ratings_.size(); ++i) {
      if (ratings_[i]) order.push_back(i);
    }
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      if (*ratings_[a] != *ratings_[b]) return *ratings_[a] > *ratings_[b];
      return DrawOf(draw_.candidates[a]) < DrawOf(draw_.candidates[b]);
    });
    const auto wanted = static_cast<std::size_t>(settings_.hard);
    order.resize(std::min(order.size(), wanted));
    for (const std::size_t i : order) Choose(draw_.candidates[i], true, ratings_[i]);
    if (order.size() < wanted) {
      draw_.notes.push_back(fmt::format(
          "Hard has {} prompts in place of {}: {} candidates, of which {} could be rated.",
          order.size(), wanted, draw_.candidates.size(), rated_));
    }
  }

  Key DrawOf(std::uint32_t item) const {
    return KeyBuilder("equal ratings")
        .Add(static_cast<std::int64_t>(settings_.seed))
        .Add(keys_[item])
        .Build();
  }

  void Choose(std::uint32_t item, bool is_hard, std::optional<double> rating) {
    const std::uint32_t cluster = clustering_.cluster_of[item];
    chosen_.push_back({&texts_.at(item), is_hard, cluster, labels_[cluster], rating});
    chosen_numbers_.push_back(item);
  }

  std::span<const float> VectorOf(std::size_t item) const {
    return std::span(vectors_).subspan(item * dimensions_, dimensions_);
  }

  Status FillReport() {
    for (const InputFile& file : inputs_.files) report_.files.push_back(file.name);
    report_.rater = inputs_.rater->name();
    report_.candidates = static_cast<std::int64_t>(draw_.candidates.size());
    report_.unrated = static_cast<std::int64_t>(draw_.candidates.size() - rated_);
    report_.diverse = static_cast<std::int64_t>(draw_.diverse.size());
    report_.hard = static_cast<std::int64_t>(chosen_.size() - draw_.diverse.size());
    report_.notes = draw_.notes;
    for (const auto& rating : ratings_) {
      if (rating) report_.ratings.push_back(*rating);
    }
    std::sort(report_.ratings.begin(), report_.ratings.end());
    ARENA_ASSIGN_OR_RETURN(const PlaneMap map, PlaneMap::Learn(vectors_, dimensions_));
    const std::size_t step = (keys_.size() + kMapItems - 1) / kMapItems;
    for (std::size_t i = 0; i < keys_.size(); i += step) {
      const PlaneMap::Point point = map(VectorOf(i));
      report_.map.emplace_back(point.x, point.y);
    }
    for (std::size_t i = 0; i < chosen_.size(); ++i) {
      const ChosenItem& chosen = chosen_[i];
      const PlaneMap::Point point = map(VectorOf(chosen_numbers_[i]));
      const PoolItem& item = *chosen.item;
      report_.chosen.push_back({chosen.is_hard, chosen.cluster,
                                fmt::format("{}:{}", inputs_.files[item.file].name, item.line),
                                CategoryOf(chosen, settings_.category), chosen.rating, point.x,
                                point.y,
                                PromptText(item.conversation).substr(0, kTestExcerptBytes)});
    }
    FillClusters(map);
    return {};
  }

  // The mean of a cluster's vectors: its centre, which has length 1, as long as the mean similarity
  // with it.
  std::vector<float> MeanOf(std::size_t cluster, double mean_similarity) const {
    const auto begin =
        clustering_.centres.begin() + static_cast<std::ptrdiff_t>(cluster * dimensions_);
    std::vector<float> mean(begin, begin + static_cast<std::ptrdiff_t>(dimensions_));
    for (float& value : mean) value *= static_cast<float>(mean_similarity);
    return mean;
  }

  void FillClusters(const PlaneMap& map) {
    std::vector<TestSetCluster> clusters(clustering_.clusters);
    std::vector<std::pair<double, std::int64_t>> sums(clustering_.clusters);
    std::vector<double> similarities(clustering_.clusters);
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      ++clusters[clustering_.cluster_of[i]].items;
      similarities[clustering_.cluster_of[i]] += static_cast<double>(clustering_.similarity[i]);
    }
    for (const ChosenItem& chosen : chosen_) {
      TestSetCluster& cluster = clusters[chosen.cluster];
      ++(chosen.is_hard ? cluster.hard : cluster.diverse);
    }
    for (std::size_t i = 0; i < ratings_.size(); ++i) {
      if (!ratings_[i]) continue;
      auto& [sum, count] = sums[clustering_.cluster_of[draw_.candidates[i]]];
      sum += *ratings_[i];
      ++count;
    }
    for (std::size_t c = 0; c < clusters.size(); ++c) {
      const PlaneMap::Point point = map(MeanOf(
          c, similarities[c] / static_cast<double>(std::max<std::int64_t>(clusters[c].items, 1))));
      clusters[c].x = point.x;
      clusters[c].y = point.y;
      clusters[c].number = static_cast<std::uint32_t>(c);
      clusters[c].label = labels_[c];
      const auto& [sum, count] = sums[c];
      if (count > 0) clusters[c].mean_rating = sum / static_cast<double>(count);
    }
    std::stable_sort(
        clusters.begin(), clusters.end(),
        [](const TestSetCluster& a, const TestSetCluster& b) { return a.items > b.items; });
    report_.clusters = std::move(clusters);
  }

  const TestSetInputs& inputs_;
  const TestSetSettings& settings_;
  const fs::path& out_;
  const TestSetProgress& progress_;
  std::vector<bool> takes_part_;          ///< by place in the pool
  std::vector<std::uint32_t> number_of_;  ///< by place in the pool
  std::vector<Key> keys_;                 ///< from here on by number
  std::size_t dimensions_ = 0;
  std::vector<float> vectors_;  ///< (numbers, dimensions_)
  VectorClusters clustering_;
  std::vector<std::string> labels_;  ///< of the clusters
  TestSetDraw draw_;
  std::unordered_map<std::uint32_t, PoolItem> texts_;  ///< of what was drawn
  std::vector<std::optional<double>> ratings_;         ///< of draw_.candidates
  std::size_t rated_ = 0;
  std::vector<ChosenItem> chosen_;
  std::vector<std::uint32_t> chosen_numbers_;
  TestSetReport report_;
};

}  // namespace

std::string_view TestCategoryName(TestCategory category) {
  return category == TestCategory::kCluster ? "cluster" : "own";
}

std::optional<TestCategory> ParseTestCategory(std::string_view name) {
  for (const TestCategory category : {TestCategory::kOwn, TestCategory::kCluster}) {
    if (TestCategoryName(category) == name) return category;
  }
  return std::nullopt;
}

Json TestSetSettingsJson(const TestSetSettings& settings) {
  return {{"clusters", settings.clusters},
          {"diverse_per_cluster", settings.diverse_per_cluster},
          {"candidates_per_cluster", settings.candidates_per_cluster},
          {"hard", settings.hard},
          {"category", TestCategoryName(settings.category)},
          {"embedding", settings.embedding.empty() ? "built-in" : settings.embedding},
          {"seed", settings.seed}};
}

Result<TestSetReport> BuildTestSet(const TestSetInputs& inputs, const TestSetSettings& settings,
                                   const fs::path& out, const TestSetProgress& progress) {
  return TestSetBuilder(inputs, settings, out, progress).Run();
}

}  // namespace arena
