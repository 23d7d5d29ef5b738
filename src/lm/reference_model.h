// For tests: the same models by plain loops in double, without cache, batch or kernels, and tiny
// checkpoints with random weights in the layout of Hugging Face.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "base/temporary_folder.h"
#include "checkpoint/tensor.h"
#include "lm/token.h"

namespace arena::lm {

/// A kind of model; `config` is the text of its config.json.
struct Variant {
  std::string name;
  std::string config;
};

/// For names of tests.
inline void PrintTo(const Variant& variant, std::ostream* out) { *out << variant.name; }

/// One of each architecture and rope scaling, with sizes that fit no panel exactly.
std::vector<Variant> AllVariants();
/// The one of that name.
Variant VariantNamed(std::string_view name);

/// A reward model whose score counts likelihoods with this weight and floor.
Variant RewardVariant(bool is_tied, double likelihood_weight, double likelihood_floor);

using Rows = std::vector<std::vector<double>>;

/// Reads config.json by itself and follows the publications of the architectures, one number at a
/// time.
class ReferenceModel {
 public:
  /// Random weights, as they are after rounding to `dtype`; writes config.json and
  /// model.safetensors to `directory`. `poison` names a weight that becomes NaN.
  ReferenceModel(const Variant& variant, std::uint64_t seed, DType dtype,
                 const std::filesystem::path& directory, std::string_view poison = "");

  /// Hidden states after the last norm, one row a token.
  Rows Hidden(const std::vector<Token>& tokens) const;
  Rows Logits(const std::vector<Token>& tokens) const;
  /// A reward model's head on the hidden state of the last token.
  double Score(const std::vector<Token>& tokens) const;
  /// log softmax of a row of logits.
  static std::vector<double> LogSoftmax(const std::vector<double>& logits);

 private:
  const std::vector<double>& Weight(const std::string& name) const;
  std::vector<double> Linear(const std::string& name, const std::vector<double>& x) const;
  std::vector<double> Norm(const std::string& name, const std::vector<double>& x) const;
  void Attention(std::size_t layer, Rows& states) const;
  void SwiGlu(std::size_t layer, Rows& states) const;
  void Rotate(std::vector<double>& head, std::size_t position) const;
  Rows Heads(const std::string& name, const std::vector<double>& x, std::size_t position,
             bool is_rotated) const;
  void Stretch(const std::string& scaling_text);
  std::vector<double> Frequencies() const;

  std::map<std::string, std::vector<double>> weights_;
  // From config.json.
  std::size_t hidden_, layers_, heads_, kv_heads_, head_dim_, window_;
  double epsilon_, theta_;
  std::vector<double> frequencies_;
  double rope_scale_ = 1;
};

}  // namespace arena::lm
