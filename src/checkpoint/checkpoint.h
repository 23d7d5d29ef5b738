// A model's directory, opened and checked: its configuration and its weights as views.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "checkpoint/config.h"
#include "checkpoint/safetensors.h"

namespace arena {

/// A weight that is NaN or infinite.
struct NonFinite {
  std::string tensor;
  std::size_t index = 0;  ///< of the element, row-major
  float value = 0;
};

/// A Hugging Face directory. Immutable after Open: thread-safe. Movable, not copyable; the views
/// live as long as the object or what it was moved to. Nothing of the weights is read by Open.
class Checkpoint {
 public:
  /// Reads the configuration, maps the weights and checks them against ExpectedTensors: a missing
  /// tensor, a wrong shape or a type other than F32, F16 and BF16 is an error that names the
  /// tensor.
  static Result<Checkpoint> Open(const std::filesystem::path& directory);

  const std::filesystem::path& directory() const { return directory_; }
  const ModelConfig& config() const { return config_; }

  /// The expected tensors, in the order of ExpectedTensors(config()).
  const std::vector<TensorView>& tensors() const { return tensors_; }

  /// By its Hugging Face name; nullptr: no such weight. A tied head is found under its own name
  /// `lm_head.weight` too, as the embedding.
  const TensorView* Find(std::string_view name) const;
  /// The same among all tensors of the files, also those that the architecture does not have.
  const TensorView* FindAny(std::string_view name) const;

  /// Bytes of all expected tensors.
  std::int64_t total_bytes() const;

  /// What is odd and does no harm: tensors that the model does not use.
  const std::vector<std::string>& warnings() const { return warnings_; }

  /// The first weight that is NaN or infinite, in the order of tensors(). Reads all weights once
  /// and releases their pages behind it. `threads` 0: as many as there are processors.
  std::optional<NonFinite> FindNonFinite(unsigned threads = 0) const;

 private:
  std::filesystem::path directory_;
  ModelConfig config_;
  std::optional<SafetensorsDirectory> weights_;
  std::vector<TensorView> tensors_;
  std::vector<std::string> warnings_;
};

/// "model.layers.3.mlp.up_proj.weight: element 17 is nan".
std::string Describe(const NonFinite& found);

}  // namespace arena
