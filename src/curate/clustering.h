// Groups of similar vectors, and a picture of them (FAISS).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"

namespace arena {

struct ClusterOptions {
  int clusters = 500;  ///< at most; at least 1
  int rounds = 20;     ///< of Lloyd's algorithm
  std::uint64_t seed = 1;
};

/// Which vector is in which cluster.
struct VectorClusters {
  std::size_t clusters = 0;               ///< as wanted, or as many as there are vectors
  std::vector<float> centres;             ///< (clusters, dimensions), of length 1
  std::vector<std::uint32_t> cluster_of;  ///< of each vector
  std::vector<float> similarity;          ///< of each vector, with its centre (cosine)
};

/// Spherical k-means of `vectors`, (n, dimensions), each of length 1 or 0. The centres are learned
/// from at most 256 vectors for each cluster, drawn by the seed, the best of four starts for up to
/// 64 clusters; then every vector goes to the centre with the largest inner product. The same
/// vectors in the same order and the same BLAS give the same clusters. Errors: no vectors; what
/// FAISS says.
Result<VectorClusters> ClusterVectors(std::span<const float> vectors, std::size_t dimensions,
                                      const ClusterOptions& options);

/// Maps vectors to the plane of their first two principal components. Thread-safe.
class PlaneMap {
 public:
  /// Learned from `vectors`, (n, dimensions), of which at most 20,000 are used, evenly spread. Each
  /// axis points to where its largest weight is positive. Fewer than two vectors, or fewer than two
  /// directions, leave axes on which all is 0.
  static Result<PlaneMap> Learn(std::span<const float> vectors, std::size_t dimensions);

  struct Point {
    float x = 0;
    float y = 0;
  };
  Point operator()(std::span<const float> vector) const;

 private:
  std::vector<float> mean_, x_axis_, y_axis_;
};

}  // namespace arena
