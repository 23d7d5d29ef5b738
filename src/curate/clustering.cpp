#include "curate/clustering.h"

#include <faiss/Clustering.h>
#include <faiss/IndexFlat.h>
#include <faiss/VectorTransform.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <exception>

namespace arena {
namespace {

using FaissNumber = faiss::Index::idx_t;

constexpr std::size_t kVectorsAtOnce = 65536;
constexpr std::size_t kFewClusters = 64;  // are cheap, and a bad start hurts most
constexpr std::size_t kPlaneSample = 20000;

// One axis of the plane: a row of the transformation, with a sign that does not depend on LAPACK.
std::vector<float> AxisOf(const std::vector<float>& rows, std::size_t row, std::size_t dimensions) {
  const auto* begin = rows.data() + row * dimensions;
  std::vector<float> axis(begin, begin + dimensions);
  const auto largest = std::max_element(axis.begin(), axis.end(),
                                        [](float a, float b) { return std::abs(a) < std::abs(b); });
  if (*largest < 0) {
    for (float& weight : axis) weight = -weight;
  }
  for (float& weight : axis) weight = std::isfinite(weight) ? weight : 0;
  return axis;
}

float Along(const std::vector<float>& axis, const std::vector<float>& mean,
            std::span<const float> vector) {
  float sum = 0;
  for (std::size_t d = 0; d < axis.size(); ++d) sum += axis[d] * (vector[d] - mean[d]);
  return sum;
}

}  // namespace

Result<VectorClusters> ClusterVectors(std::span<const float> vectors, std::size_t dimensions,
                                      const ClusterOptions& options) {
  const std::size_t count = vectors.size() / dimensions;
  if (count == 0) return InvalidInput("there is nothing to cluster");
  VectorClusters result;
  result.clusters = std::min(static_cast<std::size_t>(std::max(options.clusters, 1)), count);
  result.cluster_of.resize(count);
  result.similarity.resize(count);
  try {
    faiss::ClusteringParameters parameters;
    parameters.niter = options.rounds;
    parameters.spherical = true;
    parameters.min_points_per_centroid = 1;  // small pools are no reason for a warning on stderr
    parameters.nredo = result.clusters <= kFewClusters ? 4 : 1;
    parameters.seed = static_cast<int>(options.seed & 0x7FFFFFFF);
    faiss::Clustering clustering(static_cast<int>(dimensions), static_cast<int>(result.clusters),
                                 parameters);
    faiss::IndexFlatIP index(static_cast<FaissNumber>(dimensions));
    clustering.train(static_cast<FaissNumber>(count), vectors.data(), index);
    result.centres = clustering.centroids;
    std::vector<FaissNumber> nearest(std::min(count, kVectorsAtOnce));
    for (std::size_t begin = 0; begin < count; begin += kVectorsAtOnce) {
      const std::size_t part = std::min(kVectorsAtOnce, count - begin);
      index.search(static_cast<FaissNumber>(part), vectors.data() + begin * dimensions, 1,
                   result.similarity.data() + begin, nearest.data());
      for (std::size_t i = 0; i < part; ++i) {
        result.cluster_of[begin + i] =
            static_cast<std::uint32_t>(std::max(nearest[i], FaissNumber{0}));
      }
    }
  } catch (const std::exception& e) {
    return InternalError(fmt::format("k-means: {}", e.what()));
  }
  return result;
}

Result<PlaneMap> PlaneMap::Learn(std::span<const float> vectors, std::size_t dimensions) {
  PlaneMap map;
  map.mean_.assign(dimensions, 0);
  map.x_axis_ = map.y_axis_ = map.mean_;
  const std::size_t count = vectors.size() / dimensions;
  if (count < 2 || dimensions < 2) return map;
  const std::size_t step = (count + kPlaneSample - 1) / kPlaneSample;
  std::vector<float> sample;
  for (std::size_t i = 0; i < count; i += step) {
    const auto vector = vectors.subspan(i * dimensions, dimensions);
    sample.insert(sample.end(), vector.begin(), vector.end());
  }
  try {
    faiss::PCAMatrix pca(static_cast<int>(dimensions), 2);
    pca.max_points_per_d = kPlaneSample;
    pca.train(static_cast<FaissNumber>(sample.size() / dimensions), sample.data());
    map.mean_ = pca.mean;
    map.x_axis_ = AxisOf(pca.A, 0, dimensions);
    map.y_axis_ = AxisOf(pca.A, 1, dimensions);
  } catch (const std::exception& e) {
    return InternalError(fmt::format("principal components: {}", e.what()));
  }
  return map;
}

PlaneMap::Point PlaneMap::operator()(std::span<const float> vector) const {
  return {Along(x_axis_, mean_, vector), Along(y_axis_, mean_, vector)};
}

}  // namespace arena
