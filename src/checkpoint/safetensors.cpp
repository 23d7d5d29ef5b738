#include "checkpoint/safetensors.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "checkpoint/internal/safetensors_header.h"

namespace arena {
namespace {

constexpr std::size_t kPrefix = 8;
constexpr std::uint64_t kMostHeaderBytes = 100'000'000;

// The JSON between the length and the tensors.
Result<std::string_view> FindHeader(std::string_view bytes, std::string_view file) {
  if (bytes.size() < kPrefix) {
    return InvalidInput(fmt::format("{}: is cut off: {} bytes and no header", file, bytes.size()));
  }
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), kPrefix);
  if (length > kMostHeaderBytes) {
    return InvalidInput(fmt::format(
        "{}: states a header of {} bytes, more than {}: not a safetensors file, or a damaged one",
        file, length, kMostHeaderBytes));
  }
  if (length > bytes.size() - kPrefix) {
    return InvalidInput(fmt::format("{}: is cut off: a header of {} bytes in a file of {}", file,
                                    length, bytes.size()));
  }
  return bytes.substr(kPrefix, static_cast<std::size_t>(length));
}

Error BadTensor(std::string_view file, std::string_view name, std::string_view what) {
  return InvalidInput(fmt::format("{}: tensor \"{}\" {}", file, name, what));
}

// Holds dtype, shape and offsets against each other and against the data.
Result<TensorView> MakeView(internal::HeaderEntry&& entry, std::span<const std::byte> data,
                            std::string_view file) {
  const auto dtype = ParseDType(entry.dtype);
  if (!dtype) {
    return BadTensor(file, entry.name, fmt::format("has unknown dtype \"{}\"", entry.dtype));
  }
  const auto count = ElementCount(entry.shape);
  std::uint64_t bytes = 0;
  if (!count ||
      __builtin_mul_overflow(static_cast<std::uint64_t>(*count), DTypeBytes(*dtype), &bytes)) {
    return BadTensor(file, entry.name,
                     fmt::format("is too large: shape {}", ShapeText(entry.shape)));
  }
  if (entry.begin > entry.end || entry.end > data.size()) {
    return BadTensor(file, entry.name,
                     fmt::format("lies at bytes {} to {}, and the file has {} (is it cut off?)",
                                 entry.begin, entry.end, data.size()));
  }
  if (entry.end - entry.begin != bytes) {
    return BadTensor(file, entry.name,
                     fmt::format("has {} bytes, and {} of {} needs {}", entry.end - entry.begin,
                                 ShapeText(entry.shape), DTypeName(*dtype), bytes));
  }
  return TensorView{
      std::move(entry.name), *dtype, std::move(entry.shape),
      data.subspan(static_cast<std::size_t>(entry.begin), static_cast<std::size_t>(bytes))};
}

// Sorts by offset; the tensors must fill the data without a gap or an overlap.
Status CheckLayout(std::vector<TensorView>& tensors, std::span<const std::byte> data,
                   std::string_view file) {
  std::stable_sort(tensors.begin(), tensors.end(), [](const TensorView& a, const TensorView& b) {
    return std::pair(a.bytes.data(), a.bytes.size()) < std::pair(b.bytes.data(), b.bytes.size());
  });
  std::size_t expected = 0;
  for (const TensorView& tensor : tensors) {
    const auto begin = static_cast<std::size_t>(tensor.bytes.data() - data.data());
    if (begin != expected) {
      return BadTensor(
          file, tensor.name,
          fmt::format("begins at byte {}, {} the tensor before it, which ends at {}", begin,
                      begin < expected ? "within" : "not right behind", expected));
    }
    expected += tensor.bytes.size();
  }
  if (expected == data.size()) return {};
  return InvalidInput(fmt::format("{}: its tensors end at byte {}, and its data has {}", file,
                                  expected, data.size()));
}

Status CheckNames(const std::vector<TensorView>& tensors, std::string_view file) {
  std::vector<std::string_view> names;
  names.reserve(tensors.size());
  for (const TensorView& tensor : tensors) names.emplace_back(tensor.name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) return BadTensor(file, *twice, "is there twice");
  return {};
}

std::span<std::byte> WholePages(std::span<const std::byte> bytes, bool inward) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<std::uintptr_t>(bytes.data());
  const std::uintptr_t end = begin + bytes.size();
  const std::uintptr_t first = (inward ? begin + page - 1 : begin) / page * page;
  const std::uintptr_t last = inward ? end / page * page : end;
  if (bytes.empty() || first >= last) return {};
  return {reinterpret_cast<std::byte*>(first), last - first};
}

}  // namespace

Result<SafetensorsFile> SafetensorsFile::Parse(std::string_view bytes, std::string_view name) {
  ARENA_ASSIGN_OR_RETURN(const std::string_view header, FindHeader(bytes, name));
  ARENA_ASSIGN_OR_RETURN(auto entries, internal::ParseSafetensorsHeader(header, name));
  const auto data = std::as_bytes(std::span(bytes.substr(kPrefix + header.size())));
  SafetensorsFile file;
  file.tensors_.reserve(entries.size());
  for (auto& entry : entries) {
    ARENA_ASSIGN_OR_RETURN(TensorView view, MakeView(std::move(entry), data, name));
    file.tensors_.push_back(std::move(view));
  }
  ARENA_RETURN_IF_ERROR(CheckLayout(file.tensors_, data, name));
  ARENA_RETURN_IF_ERROR(CheckNames(file.tensors_, name));
  return file;
}

Result<SafetensorsFile> SafetensorsFile::Open(const std::filesystem::path& path) {
  ARENA_ASSIGN_OR_RETURN(MappedFile mapped, MappedFile::Open(path));
  ARENA_ASSIGN_OR_RETURN(SafetensorsFile file, Parse(mapped.bytes(), path.string()));
  file.file_ = std::move(mapped);
  return file;
}

void WillRead(std::span<const std::byte> bytes) {
  const auto pages = WholePages(bytes, false);
  if (!pages.empty()) ::madvise(pages.data(), pages.size(), MADV_WILLNEED);
}

void ReleasePages(std::span<const std::byte> bytes) {
  const auto pages = WholePages(bytes, true);
  if (!pages.empty()) ::madvise(pages.data(), pages.size(), MADV_DONTNEED);
}

}  // namespace arena
