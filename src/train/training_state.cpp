#include "train/training_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstring>
#include <system_error>

#include "base/file.h"
#include "base/hash.h"
#include "checkpoint/safetensors.h"
#include "train/internal/state_json.h"

namespace arena::train {
namespace {

namespace fs = std::filesystem;
using internal::ContentHashes;

// Also ends the name of a whole checkpoint whose place the same step's next one is taking.
constexpr std::string_view kReplaced = ".replaced";
// Starts the names of what is not whole: being written, or being removed.
constexpr std::string_view kUnfinished = ".step-";

std::string FileName(const StateFile& file) { return file.name + ".safetensors"; }

std::string_view Characters(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string ContentHash(const StateFile& file) {
  KeyBuilder builder("training-state");
  for (const StateTensor& tensor : file.tensors) {
    builder.Add(tensor.spec.name).Add(HashBytes(Characters(std::as_bytes(tensor.values))));
  }
  return builder.Build().Hex();
}

Status WriteTensors(const StateFile& file, const fs::path& path) {
  std::vector<TensorSource> sources;
  for (const StateTensor& tensor : file.tensors) {
    const std::span<const std::byte> bytes = std::as_bytes(tensor.values);
    sources.push_back(
        {tensor.spec, DType::kF32, [bytes] { return Result<std::span<const std::byte>>(bytes); }});
  }
  return WriteSafetensorsFile(path, sources);
}

Status WriteFiles(const TrainingState& state, std::span<const StateFile> files,
                  const fs::path& folder) {
  ContentHashes hashes;
  for (const StateFile& file : files) {
    ARENA_RETURN_IF_ERROR(WriteTensors(file, folder / FileName(file)));
    hashes[FileName(file)] = ContentHash(file);
  }
  ARENA_ASSIGN_OR_RETURN(const std::string json, internal::StateToJson(state, hashes));
  ARENA_RETURN_IF_ERROR(WriteFileAtomic(folder / "state.json", json));
  return SyncFolder(folder);
}

Error FolderError(std::string_view action, const fs::path& path, const std::error_code& error) {
  return IoError(fmt::format("cannot {} {}: {}", action, path.string(), error.message()));
}

Status Rename(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error) return FolderError("rename", from, error);
  return {};
}

// Its name goes first, so that a half-removed one is never taken for a checkpoint.
void RemoveCheckpoint(const fs::path& path) {
  const fs::path unfinished = path.parent_path() / fmt::format(".{}", path.filename().string());
  std::error_code ignored;
  fs::remove_all(unfinished, ignored);
  fs::rename(path, unfinished, ignored);
  fs::remove_all(unfinished, ignored);
}

struct Entry {
  std::int64_t step = 0;
  bool replaced = false;
  fs::path path;
};

std::optional<Entry> ParseEntry(const fs::path& path) {
  const std::string name = path.filename().string();
  std::string_view digits = name;
  Entry entry{.path = path};
  if (digits.ends_with(kReplaced)) {
    entry.replaced = true;
    digits.remove_suffix(kReplaced.size());
  }
  constexpr std::string_view kPrefix = "step-";
  if (!digits.starts_with(kPrefix)) return std::nullopt;
  digits.remove_prefix(kPrefix.size());
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, entry.step);
  if (error != std::errc() || stop != end) return std::nullopt;
  return entry;
}

// The newest first; none where there is no folder.
Result<std::vector<Entry>> ListCheckpoints(const fs::path& folder) {
  std::vector<Entry> entries;
  std::error_code error;
  for (fs::directory_iterator item(folder, error), end; !error && item != end;
       item.increment(error)) {
    if (auto entry = ParseEntry(item->path())) entries.push_back(std::move(*entry));
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return FolderError("read", folder, error);
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return a.step != b.step ? a.step > b.step : a.replaced < b.replaced;
  });
  return entries;
}

// A file of tensors that was found to be what was written.
struct CheckedFile {
  SafetensorsFile file;
  std::vector<const TensorView*> tensors;  // in the order of the StateFile
};

const TensorView* FindTensor(const SafetensorsFile& file, const TensorSpec& spec) {
  for (const TensorView& view : file.tensors()) {
    if (view.name == spec.name && view.shape == spec.shape && view.dtype == DType::kF32) {
      return &view;
    }
  }
  return nullptr;
}

Result<CheckedFile> CheckFile(const StateFile& file, const fs::path& folder,
                              const ContentHashes& hashes) {
  const fs::path path = folder / FileName(file);
  ARENA_ASSIGN_OR_RETURN(SafetensorsFile opened, SafetensorsFile::Open(path));
  CheckedFile checked{std::move(opened), {}};
  KeyBuilder builder("training-state");
  for (const StateTensor& tensor : file.tensors) {
    const TensorView* const view = FindTensor(checked.file, tensor.spec);
    if (view == nullptr) {
      return InvalidInput(fmt::format("{} has no float32 tensor \"{}\" of {}", path.string(),
                                      tensor.spec.name, ShapeText(tensor.spec.shape)));
    }
    builder.Add(view->name).Add(HashBytes(Characters(view->bytes)));
    checked.tensors.push_back(view);
  }
  const auto found = hashes.find(FileName(file));
  if (found == hashes.end() || found->second != builder.Build().Hex()) {
    return InvalidInput(fmt::format("{} is not what was written", path.string()));
  }
  return checked;
}

// All is checked before the first number is copied.
Status FillTensors(std::span<const StateFile> files, const fs::path& folder,
                   const ContentHashes& hashes) {
  std::vector<CheckedFile> checked;
  for (const StateFile& file : files) {
    ARENA_ASSIGN_OR_RETURN(CheckedFile one, CheckFile(file, folder, hashes));
    checked.push_back(std::move(one));
  }
  for (std::size_t f = 0; f < files.size(); ++f) {
    for (std::size_t t = 0; t < files[f].tensors.size(); ++t) {
      ReadFloats(*checked[f].tensors[t], 0, files[f].tensors[t].values);
    }
  }
  return {};
}

Result<internal::ParsedState> ReadState(const fs::path& folder) {
  const fs::path path = folder / "state.json";
  ARENA_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  auto parsed = internal::ParseState(text);
  if (!parsed.ok()) {
    return InvalidInput(fmt::format("{} {}", path.string(), parsed.error().message));
  }
  return parsed;
}

}  // namespace

void AddTensors(std::span<const ParameterRange> ranges, std::string_view prefix,
                std::span<float> buffer, StateFile& file) {
  for (const ParameterRange& range : ranges) {
    TensorSpec spec = range.tensor;
    spec.name.insert(0, prefix);
    file.tensors.push_back({std::move(spec), buffer.subspan(range.begin, range.size)});
  }
}

TrainingCheckpoints::TrainingCheckpoints(fs::path folder, int keep)
    : folder_(std::move(folder)), keep_(static_cast<std::size_t>(std::max(keep, 1))) {}

Result<fs::path> TrainingCheckpoints::Save(const TrainingState& state,
                                           std::span<const StateFile> files) {
  const fs::path path = folder_ / fmt::format("step-{:08}", state.step);
  const fs::path temporary = folder_ / fmt::format("{}{:08}", kUnfinished, state.step);
  const Status written = WriteAndPublish(state, files, temporary, path);
  if (!written.ok()) {
    std::error_code ignored;
    fs::remove_all(temporary, ignored);
    return Error{written.error().code,
                 fmt::format("cannot save the checkpoint of step {} (earlier ones are kept): {}",
                             state.step, written.error().message)};
  }
  RemoveOthers(state.step);
  return path;
}

Status TrainingCheckpoints::WriteAndPublish(const TrainingState& state,
                                            std::span<const StateFile> files,
                                            const fs::path& temporary, const fs::path& path) const {
  std::error_code error;
  fs::remove_all(temporary, error);  // left by a process that was killed
  if (error) return FolderError("remove", temporary, error);
  ARENA_RETURN_IF_ERROR(MakeFolder(temporary));
  ARENA_RETURN_IF_ERROR(WriteFiles(state, files, temporary));
  if (fs::exists(path, error)) {
    fs::path replaced = path;
    replaced += kReplaced;
    RemoveCheckpoint(replaced);
    ARENA_RETURN_IF_ERROR(Rename(path, replaced));
  }
  ARENA_RETURN_IF_ERROR(Rename(temporary, path));
  return SyncFolder(folder_);
}

void TrainingCheckpoints::RemoveOthers(std::int64_t step) const {
  const auto entries = ListCheckpoints(folder_);
  if (!entries.ok()) return;  // what stays costs only space
  std::size_t kept = 0;
  for (const Entry& entry : *entries) {
    if (entry.step <= step && !entry.replaced && kept < keep_) {
      ++kept;
    } else {
      RemoveCheckpoint(entry.path);
    }
  }
  std::error_code ignored;
  for (const auto& item : fs::directory_iterator(folder_, ignored)) {
    if (item.path().filename().string().starts_with(kUnfinished)) {
      fs::remove_all(item.path(), ignored);
    }
  }
}

Result<std::optional<TrainingCheckpoints::Loaded>> TrainingCheckpoints::LoadNewest(
    std::string_view job, std::span<const StateFile> files) const {
  ARENA_ASSIGN_OR_RETURN(const std::vector<Entry> entries, ListCheckpoints(folder_));
  Loaded loaded;
  for (const Entry& entry : entries) {
    auto parsed = ReadState(entry.path);
    if (parsed.ok() && parsed->state.job != job) {
      return InvalidInput(
          fmt::format("{} is of a run with another model, data or settings: give "
                      "those of that run, or another folder",
                      entry.path.string()));
    }
    const Status filled = parsed.ok() ? FillTensors(files, entry.path, parsed->hashes)
                                      : Status(tl::unexpected(parsed.error()));
    if (filled.ok()) {
      loaded.state = std::move(parsed->state);
      loaded.path = entry.path;
      return loaded;
    }
    loaded.warnings.push_back(fmt::format("skipped the damaged checkpoint {}: {}",
                                          entry.path.string(), filled.error().message));
  }
  if (loaded.warnings.empty()) return std::nullopt;
  return InvalidInput(
      fmt::format("no checkpoint in {} is whole; remove the folder to start anew. {}",
                  folder_.string(), loaded.warnings.front()));
}

}  // namespace arena::train
