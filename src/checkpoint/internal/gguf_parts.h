// The parts of a GGUF file: metadata, the list of tensors, their data.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/output_file.h"
#include "base/result.h"
#include "checkpoint/gguf.h"

namespace arena::internal {

/// Tensor types by their number in the file.
enum class GgmlType : std::uint32_t { kF32 = 0, kF16 = 1, kQ80 = 8, kBf16 = 30 };

/// Bytes of a row of `columns` numbers.
std::int64_t GgmlRowBytes(GgmlType type, std::int64_t columns);

/// Key-value pairs in the file's encoding (little-endian).
class GgufMetadata {
 public:
  void AddText(std::string_view key, std::string_view value);
  void AddUint32(std::string_view key, std::int64_t value);
  void AddFloat(std::string_view key, double value);
  void AddBool(std::string_view key, bool value);
  void AddTexts(std::string_view key, std::span<const std::string> values);
  void AddFloats(std::string_view key, std::span<const float> values);
  void AddInts(std::string_view key, std::span<const std::int32_t> values);

  std::uint64_t count() const { return count_; }
  const std::string& bytes() const { return bytes_; }

 private:
  void AddKey(std::string_view key, std::uint32_t type);
  void AddArrayKey(std::string_view key, std::uint32_t element_type, std::size_t size);

  std::string bytes_;
  std::uint64_t count_ = 0;
};

/// Appends in the file's encoding.
void AppendUint32(std::uint32_t value, std::string& out);
void AppendUint64(std::uint64_t value, std::string& out);
void AppendText(std::string_view text, std::string& out);

/// A tensor to write.
struct GgufTensor {
  std::string name;
  TensorShape shape;
  GgmlType type = GgmlType::kF32;
  /// The weights; nullptr: `values`.
  const TensorView* source = nullptr;
  std::vector<float> values;
  /// Not 0: rows are reordered within each of so many heads, from the half-split to the interleaved
  /// layout of rotary positions.
  std::int64_t interleaved_heads = 0;

  std::int64_t rows() const { return shape.size() == 2 ? shape[0] : 1; }
  std::int64_t columns() const { return shape.back(); }
  std::int64_t byte_count() const { return rows() * GgmlRowBytes(type, columns()); }
};

/// Whether the rotary frequencies go into a tensor: llama.cpp has a key for plain, linear and yarn
/// scaling, for the latter only with its default bounds. It reads the tensor for "llama" alone.
bool NeedsRopeFactors(const ModelConfig& config);

/// What the model is: architecture, dimensions, rotary scaling.
Status AddModelMetadata(const ModelConfig& config, const GgufOptions& options,
                        std::string_view default_name, GgufMetadata& metadata);

/// The tokenizer. Errors: it does not fit the model or lacks what its kind needs.
Status AddVocabulary(const GgufVocabulary& vocabulary, std::int64_t rows, GgufMetadata& metadata);

/// All tensors of the file, in order; views point into the checkpoint.
Result<std::vector<GgufTensor>> ListGgufTensors(const Checkpoint& checkpoint, GgufType type);

/// Writes one tensor's data.
Status WriteGgufTensor(const GgufTensor& tensor, OutputFile& file);

/// 32 numbers to 34 bytes: a half-precision scale, the largest magnitude / 127, and 32 multiples.
void EncodeQ80Block(std::span<const float, 32> values, std::span<std::byte, 34> out);

}  // namespace arena::internal
