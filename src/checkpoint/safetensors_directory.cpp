#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <system_error>

#include "base/json.h"
#include "checkpoint/safetensors.h"

namespace arena {
namespace {

constexpr const char* kSingle = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";
constexpr std::size_t kMostIndexBytes = 100'000'000;
constexpr std::size_t kMostShards = 10'000;

// Tensor name to shard name.
using WeightMap = std::map<std::string, std::string, std::less<>>;

// A shard is a file of the same directory: an index must not reach out of it.
bool IsPlainName(const std::string& name) {
  return !name.empty() && name.find('/') == std::string::npos && name != "." && name != ".." &&
         name.find('\0') == std::string::npos;
}

Result<WeightMap> ReadIndex(const std::filesystem::path& path) {
  ARENA_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  if (file.bytes().size() > kMostIndexBytes) {
    return InvalidInput(fmt::format("{}: is larger than an index can be", path.string()));
  }
  const auto json = ParseJson(file.bytes());
  if (!json.ok()) {
    return InvalidInput(fmt::format("{}: {}", path.string(), json.error().message));
  }
  const bool has_map = json->is_object() && json->contains("weight_map");
  if (!has_map || !(*json)["weight_map"].is_object()) {
    return InvalidInput(fmt::format("{}: has no object \"weight_map\"", path.string()));
  }
  WeightMap map;
  for (const auto& [tensor, shard] : (*json)["weight_map"].items()) {
    if (!shard.is_string() || !IsPlainName(shard.get<std::string>())) {
      return InvalidInput(fmt::format("{}: tensor \"{}\" is in {}, which is no file name",
                                      path.string(), tensor, DumpJson(shard)));
    }
    map.emplace(tensor, shard.get<std::string>());
  }
  return map;
}

Result<std::vector<std::string>> ShardNames(const WeightMap& map,
                                            const std::filesystem::path& index) {
  std::vector<std::string> names;
  for (const auto& [tensor, shard] : map) names.push_back(shard);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  if (names.empty() || names.size() > kMostShards) {
    return InvalidInput(fmt::format("{}: names {} files", index.string(), names.size()));
  }
  return names;
}

// The shard has exactly the tensors that the index says.
Status CheckShard(const SafetensorsFile& file, const std::filesystem::path& path,
                  const std::string& shard, const WeightMap& map) {
  std::size_t expected = 0;
  for (const auto& [tensor, name] : map) expected += name == shard ? 1 : 0;
  for (const TensorView& tensor : file.tensors()) {
    const auto found = map.find(tensor.name);
    if (found == map.end()) {
      return InvalidInput(
          fmt::format("{}: tensor \"{}\" is not in {}", path.string(), tensor.name, kIndex));
    }
    if (found->second != shard) {
      return InvalidInput(fmt::format("{}: has tensor \"{}\", which {} puts into {}", path.string(),
                                      tensor.name, kIndex, found->second));
    }
  }
  if (file.tensors().size() == expected) return {};
  for (const auto& [tensor, name] : map) {
    const auto has_name = [&](const TensorView& view) { return view.name == tensor; };
    if (name == shard && std::none_of(file.tensors().begin(), file.tensors().end(), has_name)) {
      return InvalidInput(fmt::format("{}: lacks tensor \"{}\", which {} puts into it",
                                      path.string(), tensor, kIndex));
    }
  }
  return {};
}

}  // namespace

Result<SafetensorsDirectory> SafetensorsDirectory::Open(const std::filesystem::path& directory) {
  SafetensorsDirectory result;
  std::error_code ignored;
  const auto index = directory / kIndex;
  WeightMap map;
  if (std::filesystem::exists(directory / kSingle, ignored)) {
    result.names_ = {kSingle};
  } else if (std::filesystem::exists(index, ignored)) {
    ARENA_ASSIGN_OR_RETURN(map, ReadIndex(index));
    ARENA_ASSIGN_OR_RETURN(result.names_, ShardNames(map, index));
  } else {
    return NotFound(fmt::format("{}: has neither {} nor {}", directory.string(), kSingle, kIndex));
  }
  for (const std::string& name : result.names_) {
    const auto path = directory / name;
    ARENA_ASSIGN_OR_RETURN(SafetensorsFile file, SafetensorsFile::Open(path));
    if (!map.empty()) ARENA_RETURN_IF_ERROR(CheckShard(file, path, name, map));
    result.tensors_.insert(result.tensors_.end(), file.tensors().begin(), file.tensors().end());
    result.files_.push_back(std::move(file));
  }
  result.by_name_.resize(result.tensors_.size());
  std::iota(result.by_name_.begin(), result.by_name_.end(), std::size_t{0});
  std::sort(result.by_name_.begin(), result.by_name_.end(), [&](std::size_t a, std::size_t b) {
    return result.tensors_[a].name < result.tensors_[b].name;
  });
  return result;
}

const TensorView* SafetensorsDirectory::Find(std::string_view name) const {
  const auto found = std::lower_bound(
      by_name_.begin(), by_name_.end(), name,
      [&](std::size_t i, std::string_view wanted) { return tensors_[i].name < wanted; });
  if (found == by_name_.end() || tensors_[*found].name != name) return nullptr;
  return &tensors_[*found];
}

}  // namespace arena
