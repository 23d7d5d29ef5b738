// safetensors files: 8 bytes of header length, a JSON header, the tensors' bytes.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "checkpoint/tensor.h"

namespace arena {

/// One mapped file. Opening it checks the whole header: its length (at most 100 MB, within the
/// file), every dtype, shape and offset, that the tensors fill the rest of the file in some order
/// without a gap or an overlap, and that no name comes twice. The weights are not read.
/// Immutable: thread-safe. Movable; the views live as long as the object or what it was moved to.
class SafetensorsFile {
 public:
  static Result<SafetensorsFile> Open(const std::filesystem::path& path);
  /// Of bytes that outlive the object; `name` is for errors.
  static Result<SafetensorsFile> Parse(std::string_view bytes, std::string_view name);

  /// In the order of their offsets.
  const std::vector<TensorView>& tensors() const { return tensors_; }

 private:
  std::optional<MappedFile> file_;
  std::vector<TensorView> tensors_;
};

/// The tensors of a directory: model.safetensors, or the shards that model.safetensors.index.json
/// names (which is used only where the former is absent). Every shard is checked; a tensor that is
/// not in the shard that the index names, and one of a shard that the index does not know, are
/// errors that name it. Thread-safety and lifetime as above.
class SafetensorsDirectory {
 public:
  static Result<SafetensorsDirectory> Open(const std::filesystem::path& directory);

  /// In the order of the files and their offsets.
  const std::vector<TensorView>& tensors() const { return tensors_; }
  /// nullptr: there is none.
  const TensorView* Find(std::string_view name) const;
  /// The file names that were read, without the directory.
  const std::vector<std::string>& files() const { return names_; }

 private:
  std::vector<SafetensorsFile> files_;
  std::vector<std::string> names_;
  std::vector<TensorView> tensors_;
  std::vector<std::size_t> by_name_;
};

/// Tells the kernel that these bytes of a mapped file will be read soon, in order.
void WillRead(std::span<const std::byte> bytes);

/// Gives the pages of a mapped file back, so that a loader that copied them does not hold each
/// weight twice. They may still be read: the kernel then reads the file again. Pages shared with
/// the neighbours at both ends are kept. Only for bytes of a mapped file.
void ReleasePages(std::span<const std::byte> bytes);

/// A tensor to write. `bytes` is called once, when it is the tensor's turn; what it returns must
/// have the size of shape and dtype and stay valid until the next tensor's call, so that a
/// conversion can use one buffer for all.
struct TensorSource {
  TensorSpec spec;
  DType dtype = DType::kF32;
  std::function<Result<std::span<const std::byte>>()> bytes;
};

/// A source of bytes that exist already and outlive the writing.
TensorSource SourceOf(const TensorView& view);

struct SafetensorsWriteOptions {
  /// More than this goes to several files with an index. A single larger tensor gets its own file.
  std::int64_t max_shard_bytes = std::int64_t{5} << 30;
};

/// Writes one file: to a temporary one, with fsync, then renamed. Readers see the old file or the
/// new one. Errors: I/O, a name that comes twice, bytes of the wrong size, errors of the sources.
Status WriteSafetensorsFile(const std::filesystem::path& path,
                            std::span<const TensorSource> tensors);

/// Writes model.safetensors into an existing directory, or model-00001-of-0000N.safetensors and the
/// index, in the order given, and then removes the files of the other form and the shards of an
/// earlier one. Files of the same name are replaced one by one: for shards, only a fresh directory
/// is safe against a crash in between.
Status WriteSafetensors(const std::filesystem::path& directory,
                        std::span<const TensorSource> tensors,
                        const SafetensorsWriteOptions& options = {});

}  // namespace arena
