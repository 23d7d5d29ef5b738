#include "flywheel/internal/model_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <system_error>
#include <vector>

#include "base/file.h"

namespace arena::flywheel_internal {

namespace fs = std::filesystem;

namespace {

constexpr std::uintmax_t kLarge = std::uintmax_t{64} << 20;

// Large files, which are weights and written once, share their place on the disk where they can.
Status CopyOrLink(const fs::directory_entry& from, const fs::path& to) {
  std::error_code error;
  if (from.file_size() >= kLarge) {
    fs::create_hard_link(fs::canonical(from.path(), error), to, error);
    if (!error) return {};
    error.clear();
  }
  fs::copy_file(from.path(), to, error);
  if (error) return IoError(fmt::format("{}: {}", from.path().string(), error.message()));
  return {};
}

}  // namespace

Status CopyModel(const fs::path& from, const fs::path& to) {
  const fs::path beside = to.string() + ".tmp";
  std::error_code error;
  fs::remove_all(beside, error);
  ARENA_RETURN_IF_ERROR(MakeFolder(beside));
  for (const fs::directory_entry& entry : fs::directory_iterator(from, error)) {
    if (!entry.is_regular_file()) continue;
    ARENA_RETURN_IF_ERROR(CopyOrLink(entry, beside / entry.path().filename()));
  }
  fs::remove_all(to, error);
  fs::rename(beside, to, error);
  if (error) return IoError(fmt::format("{}: {}", to.string(), error.message()));
  return {};
}

Result<Key> HashModel(const fs::path& folder) {
  const fs::path weights = folder / "model.safetensors";
  if (fs::exists(weights)) return HashFile(weights);
  std::error_code error;
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  if (error) return IoError(fmt::format("{}: {}", folder.string(), error.message()));
  if (files.empty()) return NotFound(fmt::format("{} holds no file of a model", folder.string()));
  std::sort(files.begin(), files.end());
  KeyBuilder key("model files");
  for (const fs::path& file : files) {
    ARENA_ASSIGN_OR_RETURN(const Key hash, HashFile(file));
    key.Add(file.filename().string()).Add(hash);
  }
  return key.Build();
}

}  // namespace arena::flywheel_internal
