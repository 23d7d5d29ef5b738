#include "checkpoint/gguf.h"

#include <fmt/format.h>

#include <array>
#include <system_error>

#include "checkpoint/internal/gguf_parts.h"

namespace arena {
namespace {

using internal::GgufMetadata;
using internal::GgufTensor;

constexpr std::uint32_t kVersion = 3;
constexpr std::int64_t kAlignment = 32;
constexpr std::array<std::string_view, 4> kTypeNames = {"f32", "f16", "bf16", "q8_0"};

std::int64_t Aligned(std::int64_t size) {
  return (size + kAlignment - 1) / kAlignment * kAlignment;
}

// Name, dimensions (the contiguous one first), type and place of every tensor.
std::string TensorInfos(const std::vector<GgufTensor>& tensors) {
  std::string infos;
  std::int64_t offset = 0;
  for (const GgufTensor& tensor : tensors) {
    internal::AppendText(tensor.name, infos);
    internal::AppendUint32(static_cast<std::uint32_t>(tensor.shape.size()), infos);
    for (auto size = tensor.shape.rbegin(); size != tensor.shape.rend(); ++size) {
      internal::AppendUint64(static_cast<std::uint64_t>(*size), infos);
    }
    internal::AppendUint32(static_cast<std::uint32_t>(tensor.type), infos);
    internal::AppendUint64(static_cast<std::uint64_t>(offset), infos);
    offset += Aligned(tensor.byte_count());
  }
  return infos;
}

// The last part of the directory's path, whatever way it was written.
std::string DirectoryName(const Checkpoint& checkpoint) {
  std::error_code ignored;
  return std::filesystem::weakly_canonical(checkpoint.directory(), ignored).filename().string();
}

}  // namespace

std::string_view GgufTypeName(GgufType type) { return kTypeNames[static_cast<std::size_t>(type)]; }

Result<GgufType> ParseGgufType(std::string_view name) {
  for (const auto type : {GgufType::kF32, GgufType::kF16, GgufType::kBf16, GgufType::kQ80}) {
    if (name == GgufTypeName(type)) return type;
  }
  return InvalidInput(
      fmt::format("there is no GGUF type \"{}\"; there are f32, f16, bf16 and q8_0", name));
}

Status ExportGguf(const Checkpoint& checkpoint, const GgufVocabulary& vocabulary,
                  const GgufOptions& options, const std::filesystem::path& path) {
  if (const auto found = checkpoint.FindNonFinite()) {
    return InvalidInput(fmt::format("{}: {}", checkpoint.directory().string(), Describe(*found)));
  }
  const ModelConfig& config = checkpoint.config();
  GgufMetadata metadata;
  ARENA_RETURN_IF_ERROR(
      internal::AddModelMetadata(config, options, DirectoryName(checkpoint), metadata));
  ARENA_RETURN_IF_ERROR(internal::AddVocabulary(vocabulary, config.vocab_size, metadata));
  ARENA_ASSIGN_OR_RETURN(const auto tensors, internal::ListGgufTensors(checkpoint, options.type));
  std::string header = "GGUF";
  internal::AppendUint32(kVersion, header);
  internal::AppendUint64(tensors.size(), header);
  internal::AppendUint64(metadata.count(), header);
  ARENA_ASSIGN_OR_RETURN(OutputFile file, OutputFile::Create(path));
  ARENA_RETURN_IF_ERROR(file.Write(header));
  ARENA_RETURN_IF_ERROR(file.Write(metadata.bytes()));
  ARENA_RETURN_IF_ERROR(file.Write(TensorInfos(tensors)));
  for (const GgufTensor& tensor : tensors) {
    ARENA_RETURN_IF_ERROR(file.PadTo(kAlignment));
    ARENA_RETURN_IF_ERROR(internal::WriteGgufTensor(tensor, file));
  }
  ARENA_RETURN_IF_ERROR(file.PadTo(kAlignment));
  return file.Commit();
}

}  // namespace arena
