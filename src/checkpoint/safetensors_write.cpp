#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>
#include <system_error>

#include "base/file.h"
#include "base/json.h"
#include "base/output_file.h"
#include "checkpoint/safetensors.h"

namespace arena {
namespace {

constexpr std::size_t kAlignment = 8;

// The size of shape and dtype, checked.
Result<std::int64_t> ByteCount(const TensorSource& tensor) {
  const auto count = ElementCount(tensor.spec.shape);
  std::int64_t bytes = 0;
  if (!count ||
      __builtin_mul_overflow(*count, static_cast<std::int64_t>(DTypeBytes(tensor.dtype)), &bytes)) {
    return InvalidInput(fmt::format("tensor \"{}\": cannot have the shape {}", tensor.spec.name,
                                    ShapeText(tensor.spec.shape)));
  }
  return bytes;
}

// The length and the JSON, padded with spaces so that the tensors begin at a multiple of 8.
Result<std::string> MakeHeader(std::span<const TensorSource> tensors) {
  Json json = {{"__metadata__", {{"format", "pt"}}}};
  std::int64_t offset = 0;
  for (const TensorSource& tensor : tensors) {
    ARENA_ASSIGN_OR_RETURN(const std::int64_t bytes, ByteCount(tensor));
    if (json.contains(tensor.spec.name)) {
      return InvalidInput(fmt::format("tensor \"{}\" comes twice", tensor.spec.name));
    }
    json[tensor.spec.name] = {{"dtype", DTypeName(tensor.dtype)},
                              {"shape", tensor.spec.shape},
                              {"data_offsets", {offset, offset + bytes}}};
    offset += bytes;
  }
  std::string text = DumpJson(json);
  text.resize((text.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');
  std::string header;
  for (int shift = 0; shift < 64; shift += 8) {
    header.push_back(static_cast<char>(text.size() >> shift & 0xFF));
  }
  return header + text;
}

Status WriteTensor(const TensorSource& tensor, OutputFile& file) {
  ARENA_ASSIGN_OR_RETURN(const std::int64_t expected, ByteCount(tensor));
  ARENA_ASSIGN_OR_RETURN(const auto bytes, tensor.bytes());
  if (static_cast<std::int64_t>(bytes.size()) != expected) {
    return InternalError(fmt::format("tensor \"{}\": {} bytes were given, and {} of {} needs {}",
                                     tensor.spec.name, bytes.size(), ShapeText(tensor.spec.shape),
                                     DTypeName(tensor.dtype), expected));
  }
  return file.Write(bytes);
}

// Cuts the list where the next tensor would exceed the limit.
Result<std::vector<std::span<const TensorSource>>> SplitShards(
    std::span<const TensorSource> tensors, std::int64_t max_shard_bytes) {
  std::vector<std::span<const TensorSource>> shards;
  std::size_t begin = 0;
  std::int64_t size = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    ARENA_ASSIGN_OR_RETURN(const std::int64_t bytes, ByteCount(tensors[i]));
    if (i > begin && bytes > max_shard_bytes - size) {
      shards.push_back(tensors.subspan(begin, i - begin));
      begin = i;
      size = 0;
    }
    size += bytes;
  }
  shards.push_back(tensors.subspan(begin));
  return shards;
}

bool IsShardName(const std::string& name) {
  return name.starts_with("model-") && name.ends_with(".safetensors") &&
         name.find("-of-") != std::string::npos;
}

// Removes weights of an earlier writing, which a reader could take for these.
void RemoveOthers(const std::filesystem::path& directory, const std::set<std::string>& keep) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) {
    const std::string name = entry.path().filename().string();
    const bool is_weights =
        name == "model.safetensors" || name == "model.safetensors.index.json" || IsShardName(name);
    if (is_weights && !keep.contains(name)) std::filesystem::remove(entry.path(), ignored);
  }
}

}  // namespace

TensorSource SourceOf(const TensorView& view) {
  return {{view.name, view.shape}, view.dtype, [bytes = view.bytes]() {
            return Result<std::span<const std::byte>>(bytes);
          }};
}

Status WriteSafetensorsFile(const std::filesystem::path& path,
                            std::span<const TensorSource> tensors) {
  ARENA_ASSIGN_OR_RETURN(const std::string header, MakeHeader(tensors));
  ARENA_ASSIGN_OR_RETURN(OutputFile file, OutputFile::Create(path));
  ARENA_RETURN_IF_ERROR(file.Write(header));
  for (const TensorSource& tensor : tensors) ARENA_RETURN_IF_ERROR(WriteTensor(tensor, file));
  return file.Commit();
}

Status WriteSafetensors(const std::filesystem::path& directory,
                        std::span<const TensorSource> tensors,
                        const SafetensorsWriteOptions& options) {
  ARENA_ASSIGN_OR_RETURN(const auto shards, SplitShards(tensors, options.max_shard_bytes));
  if (shards.size() == 1) {
    ARENA_RETURN_IF_ERROR(WriteSafetensorsFile(directory / "model.safetensors", tensors));
    RemoveOthers(directory, {"model.safetensors"});
    return {};
  }
  std::set<std::string> written = {"model.safetensors.index.json"};
  Json map = Json::object();
  std::int64_t total = 0;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    const std::string name = fmt::format("model-{:05}-of-{:05}.safetensors", i + 1, shards.size());
    written.insert(name);
    for (const TensorSource& tensor : shards[i]) {
      if (map.contains(tensor.spec.name)) {
        return InvalidInput(fmt::format("tensor \"{}\" comes twice", tensor.spec.name));
      }
      map[tensor.spec.name] = name;
      total += *ByteCount(tensor);
    }
    ARENA_RETURN_IF_ERROR(WriteSafetensorsFile(directory / name, shards[i]));
  }
  const Json index = {{"metadata", {{"total_size", total}}}, {"weight_map", map}};
  ARENA_RETURN_IF_ERROR(
      WriteFileAtomic(directory / "model.safetensors.index.json", DumpJson(index, 2) + "\n"));
  RemoveOthers(directory, written);
  return {};
}

}  // namespace arena
