#include "checkpoint/token_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "checkpoint/safetensors.h"

namespace arena {
namespace {

template <typename T>
constexpr DType kDTypeOf = DType::kI32;
template <>
constexpr DType kDTypeOf<std::int64_t> = DType::kI64;
template <>
constexpr DType kDTypeOf<std::uint8_t> = DType::kU8;
template <>
constexpr DType kDTypeOf<float> = DType::kF32;

// Calls `visit(name, member)` for each tensor of the file, in its order.
template <typename Data, typename Visit>
Status ForEachTensor(Data& data, Visit visit) {
  ARENA_RETURN_IF_ERROR(visit("tokens", data.tokens));
  ARENA_RETURN_IF_ERROR(visit("ends", data.ends));
  ARENA_RETURN_IF_ERROR(visit("loss", data.loss));
  ARENA_RETURN_IF_ERROR(visit("rows", data.rows));
  return visit("margins", data.margins);
}

bool IsOptional(std::string_view name) { return name == "margins"; }

template <typename T>
Status Copy(const TensorView& tensor, std::vector<T>& out) {
  if (tensor.dtype != kDTypeOf<T> || tensor.shape.size() != 1) {
    return InvalidInput(fmt::format("tensor \"{}\" should be {} of one dimension, not {} of {}",
                                    tensor.name, DTypeName(kDTypeOf<T>), DTypeName(tensor.dtype),
                                    ShapeText(tensor.shape)));
  }
  out.resize(tensor.element_count());
  if (!out.empty()) std::memcpy(out.data(), tensor.bytes.data(), tensor.bytes.size());
  return {};
}

Result<TokenData> FromTensors(std::span<const TensorView> tensors) {
  TokenData data;
  std::size_t known = 0;
  ARENA_RETURN_IF_ERROR(ForEachTensor(data, [&](std::string_view name, auto& member) -> Status {
    const auto found = std::find_if(tensors.begin(), tensors.end(),
                                    [name](const TensorView& t) { return t.name == name; });
    if (found == tensors.end()) {
      if (IsOptional(name)) return {};
      return InvalidInput(fmt::format("there is no tensor \"{}\"", name));
    }
    ++known;
    return Copy(*found, member);
  }));
  if (known != tensors.size()) {
    return InvalidInput("there are tensors besides tokens, ends, loss, rows and margins");
  }
  return data;
}

// The row of the example that a sequence belongs to.
std::int64_t RowOf(const TokenData& data, std::size_t sequence) {
  return data.rows[data.has_pairs() ? sequence / 2 : sequence];
}

Error BadSequence(const TokenData& data, std::size_t sequence, std::string_view what) {
  return InvalidInput(
      fmt::format("sequence {} (row {}) {}", sequence, RowOf(data, sequence), what));
}

Status CheckSizes(const TokenData& data) {
  if (data.ends.empty()) return InvalidInput("there are no sequences");
  if (data.loss.size() != data.tokens.size()) {
    return InvalidInput(fmt::format("there are {} tokens and {} marks of loss", data.tokens.size(),
                                    data.loss.size()));
  }
  if (data.has_pairs() && data.sequences() % 2 != 0) {
    return InvalidInput(fmt::format(
        "there are margins, so the sequences should be pairs, and their number {} is odd",
        data.sequences()));
  }
  const std::size_t examples = data.has_pairs() ? data.sequences() / 2 : data.sequences();
  if (data.rows.size() != examples || (data.has_pairs() && data.margins.size() != examples)) {
    return InvalidInput(fmt::format("there are {} sequences, {} rows and {} margins",
                                    data.sequences(), data.rows.size(), data.margins.size()));
  }
  return {};
}

Status CheckEnds(const TokenData& data) {
  std::int64_t begin = 0;
  for (std::size_t i = 0; i < data.sequences(); ++i) {
    if (data.ends[i] <= begin) {
      return BadSequence(data, i, fmt::format("ends at {}, not behind {}", data.ends[i], begin));
    }
    begin = data.ends[i];
  }
  if (begin == static_cast<std::int64_t>(data.tokens.size())) return {};
  return InvalidInput(fmt::format("the last sequence ends at {}, and there are {} tokens", begin,
                                  data.tokens.size()));
}

Status CheckSequence(const TokenData& data, std::size_t i) {
  const auto tokens = data.Sequence(i);
  const auto loss = data.Loss(i);
  if (std::any_of(tokens.begin(), tokens.end(), [](std::int32_t id) { return id < 0; })) {
    return BadSequence(data, i, "has a negative token id");
  }
  if (std::any_of(loss.begin(), loss.end(), [](std::uint8_t mark) { return mark > 1; })) {
    return BadSequence(data, i, "has a mark of loss other than 0 and 1");
  }
  if (loss.front() != 0) {
    return BadSequence(data, i, "learns its first token, which nothing predicts");
  }
  return {};
}

std::size_t PromptLength(std::span<const std::uint8_t> loss) {
  return static_cast<std::size_t>(std::find(loss.begin(), loss.end(), 1) - loss.begin());
}

Status CheckPair(const TokenData& data, std::size_t pair) {
  const std::size_t chosen = 2 * pair;
  const std::size_t prompt = PromptLength(data.Loss(chosen));
  for (const std::size_t i : {chosen, chosen + 1}) {
    const std::size_t length = PromptLength(data.Loss(i));
    if (length == data.Loss(i).size()) return BadSequence(data, i, "has no token to be learned");
    if (!std::ranges::equal(data.Sequence(i).first(length), data.Sequence(chosen).first(prompt))) {
      return BadSequence(data, i, "has another prompt than the chosen one of its pair");
    }
  }
  if (!std::isfinite(data.margins[pair])) {
    return BadSequence(data, chosen, "has a margin that is no number");
  }
  return {};
}

// The message of an error after the file's name.
Error InFile(const std::filesystem::path& path, Error error) {
  error.message = fmt::format("{}: {}", path.string(), error.message);
  return error;
}

}  // namespace

std::span<const std::int32_t> TokenData::Sequence(std::size_t i) const {
  return std::span(tokens).subspan(Begin(i), static_cast<std::size_t>(ends[i]) - Begin(i));
}

std::span<const std::uint8_t> TokenData::Loss(std::size_t i) const {
  return std::span(loss).subspan(Begin(i), static_cast<std::size_t>(ends[i]) - Begin(i));
}

Status CheckTokenData(const TokenData& data) {
  ARENA_RETURN_IF_ERROR(CheckSizes(data));
  ARENA_RETURN_IF_ERROR(CheckEnds(data));
  for (std::size_t i = 0; i < data.sequences(); ++i) {
    ARENA_RETURN_IF_ERROR(CheckSequence(data, i));
  }
  for (std::size_t i = 0; i < data.margins.size(); ++i) {
    ARENA_RETURN_IF_ERROR(CheckPair(data, i));
  }
  return {};
}

Result<TokenData> ReadTokenData(const std::filesystem::path& path) {
  ARENA_ASSIGN_OR_RETURN(const SafetensorsFile file, SafetensorsFile::Open(path));
  auto data = FromTensors(file.tensors());
  if (!data.ok()) return InFile(path, data.error());
  if (const Status status = CheckTokenData(*data); !status.ok()) {
    return InFile(path, status.error());
  }
  return data;
}

Status WriteTokenData(const TokenData& data, const std::filesystem::path& path) {
  if (const Status status = CheckTokenData(data); !status.ok()) {
    return InFile(path, status.error());
  }
  std::vector<TensorSource> tensors;
  ARENA_RETURN_IF_ERROR(
      ForEachTensor(data, [&](std::string_view name, const auto& member) -> Status {
        if (IsOptional(name) && member.empty()) return {};
        using Element = typename std::remove_cvref_t<decltype(member)>::value_type;
        tensors.push_back(SourceOf({std::string(name),
                                    kDTypeOf<Element>,
                                    {static_cast<std::int64_t>(member.size())},
                                    std::as_bytes(std::span(member))}));
        return {};
      }));
  return WriteSafetensorsFile(path, tensors);
}

}  // namespace arena
