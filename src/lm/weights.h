// The weights of a model, loaded from a checkpoint.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "base/result.h"
#include "checkpoint/checkpoint.h"
#include "lm/matrix.h"
#include "lm/memory.h"

namespace arena::lm {

/// In what a model computes. kF32: exactly the numbers of the checkpoint, in float32 arithmetic;
/// matrices whose file has bfloat16 stay in two bytes, which loses nothing. kBf16: all matrices and
/// the cache of keys and values are rounded to bfloat16, on AMX also what the matrices multiply;
/// sums stay in float32.
enum class Precision { kF32, kBf16 };

/// "f32", "bf16".
std::string_view PrecisionName(Precision precision);

/// Finds a tensor by its name; nullptr: there is none.
using TensorLookup = FunctionRef<const TensorView*(std::string_view name)>;

/// One layer. Matrices that read the same input are one, so that it is read once.
struct LayerWeights {
  std::vector<float> input_norm;      ///< (hidden)
  Matrix qkv;                         ///< queries, keys, values one below the other
  std::vector<float> qkv_bias;        ///< (qkv.outputs()) or empty
  std::vector<float> query_norm;      ///< (head_dim) or empty
  std::vector<float> key_norm;        ///< (head_dim) or empty
  Matrix output;                      ///< (hidden, heads * head_dim)
  std::vector<float> output_bias;     ///< (hidden) or empty
  std::vector<float> attention_norm;  ///< (hidden), before the SwiGLU
  Matrix gate_up;                     ///< gate, RoundUpToPanel(intermediate) rows, then up
  Matrix down;                        ///< (hidden, intermediate)
};

/// Constant after Load: thread-safe. Movable, not copyable.
class Weights {
 public:
  Weights() = default;
  /// Reads all tensors once; memory grows by their size in run precision and one panel of work.
  /// A weight that is NaN or infinite is an error that names its tensor.
  static Result<Weights> Load(const Checkpoint& checkpoint, Precision precision);
  /// The same of weights in memory. `find` gives a tensor by its Hugging Face name; nullptr: there
  /// is none. Errors, besides: one that is missing.
  static Result<Weights> Copy(const ModelConfig& config, TensorLookup find, Precision precision);

  const Matrix& embedding() const { return embedding_; }
  const std::vector<LayerWeights>& layers() const { return layers_; }
  const std::vector<float>& final_norm() const { return final_norm_; }
  /// The embedding where they are tied, and where the model uses no logits.
  const Matrix& head() const { return is_tied_ ? embedding_ : head_; }
  /// Of a reward model, (hidden); else empty.
  const std::vector<float>& score() const { return score_; }
  /// Of all matrices.
  std::size_t bytes() const { return memory_.size(); }

 private:
  static Result<Weights> Fill(const ModelConfig& config, TensorLookup find, bool is_mapped_file,
                              Precision precision);

  PageMemory memory_;
  Matrix embedding_;
  std::vector<LayerWeights> layers_;
  std::vector<float> final_norm_;
  bool is_tied_ = true;
  Matrix head_;
  std::vector<float> score_;
};

}  // namespace arena::lm
