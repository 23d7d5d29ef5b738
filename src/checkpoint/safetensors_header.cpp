#include "checkpoint/internal/safetensors_header.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/json.h"

namespace arena::internal {
namespace {

constexpr std::size_t kMostDimensions = 32;
constexpr std::string_view kMetadataName = "__metadata__";
constexpr std::size_t kMostNameBytes = 1024;

// Receives the events of the parser. Returning false stops it; `problem` then says why.
class HeaderReader final : public Json::json_sax_t {
 public:
  std::vector<HeaderEntry> entries;
  std::string problem;

  bool null() override { return Unexpected("null"); }
  bool boolean(bool /*value*/) override { return Unexpected("a boolean"); }
  bool number_integer(number_integer_t value) override {
    return Fail(fmt::format("{}: {} is not a size", Name(), value));
  }
  bool number_unsigned(number_unsigned_t value) override { return TakeNumber(value); }
  bool number_float(number_float_t /*value*/, const string_t& text) override {
    return Fail(fmt::format("{}: {} is not a whole number", Name(), text));
  }
  bool binary(binary_t& /*value*/) override { return Unexpected("binary data"); }
  bool string(string_t& value) override {
    if (where_ == Where::kMetadata) return true;
    if (where_ != Where::kTensor || key_ != "dtype") return Unexpected("a string");
    entries.back().dtype = std::move(value);
    return true;
  }

  bool start_object(std::size_t /*size*/) override {
    if (where_ == Where::kStart) return Enter(Where::kRoot);
    if (where_ != Where::kRoot) return Unexpected("an object");
    if (key_ == kMetadataName) return Enter(Where::kMetadata);
    seen_ = 0;
    entries.emplace_back().name = key_;
    return Enter(Where::kTensor);
  }

  bool key(string_t& name) override {
    if (where_ == Where::kTensor && !SeeMember(name)) return false;
    if (name.size() > kMostNameBytes) return Fail("has a name that is absurdly long");
    key_ = std::move(name);
    return true;
  }

  bool end_object() override {
    if (where_ == Where::kTensor && seen_ != kAll) {
      return Fail(fmt::format("{}: needs dtype, shape and data_offsets", Name()));
    }
    return Enter(where_ == Where::kRoot ? Where::kEnd : Where::kRoot);
  }

  bool start_array(std::size_t /*size*/) override {
    if (where_ != Where::kTensor || key_ == "dtype") return Unexpected("an array");
    numbers_ = 0;
    return Enter(key_ == "shape" ? Where::kShape : Where::kOffsets);
  }

  bool end_array() override {
    if (where_ == Where::kOffsets && numbers_ != 2) {
      return Fail(fmt::format("{}: data_offsets must be two numbers", Name()));
    }
    return Enter(Where::kTensor);
  }

  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    return Fail(fmt::format("is not valid JSON at byte {}", position));
  }

 private:
  enum class Where { kStart, kRoot, kMetadata, kTensor, kShape, kOffsets, kEnd };
  static constexpr unsigned kDType = 1, kShapeSeen = 2, kOffsetsSeen = 4, kAll = 7;

  bool Fail(std::string message) {
    problem = std::move(message);
    return false;
  }

  std::string Name() const {
    return entries.empty() ? "the header" : fmt::format("tensor \"{}\"", entries.back().name);
  }

  bool Unexpected(std::string_view what) {
    if (where_ == Where::kStart) return Fail(fmt::format("is {} and not an object", what));
    return Fail(fmt::format("\"{}\" is {}, which it must not be", key_, what));
  }

  bool Enter(Where where) {
    where_ = where;
    return true;
  }

  bool SeeMember(std::string_view name) {
    const unsigned bit = name == "dtype"          ? kDType
                         : name == "shape"        ? kShapeSeen
                         : name == "data_offsets" ? kOffsetsSeen
                                                  : 0;
    if (bit == 0) return Fail(fmt::format("{}: unknown member \"{}\"", Name(), name));
    if ((seen_ & bit) != 0) return Fail(fmt::format("{}: has \"{}\" twice", Name(), name));
    seen_ |= bit;
    return true;
  }

  bool TakeNumber(std::uint64_t value) {
    HeaderEntry* entry = entries.empty() ? nullptr : &entries.back();
    if (where_ == Where::kOffsets) {
      if (++numbers_ > 2) return Fail(fmt::format("{}: has more than two offsets", Name()));
      (numbers_ == 1 ? entry->begin : entry->end) = value;
      return true;
    }
    if (where_ != Where::kShape) return Unexpected("a number");
    if (value > static_cast<std::uint64_t>(INT64_MAX) || ++numbers_ > kMostDimensions) {
      return Fail(fmt::format("{}: its shape is absurd", Name()));
    }
    entry->shape.push_back(static_cast<std::int64_t>(value));
    return true;
  }

  Where where_ = Where::kStart;
  std::string key_;
  unsigned seen_ = 0;
  std::size_t numbers_ = 0;
};

}  // namespace

Result<std::vector<HeaderEntry>> ParseSafetensorsHeader(std::string_view json,
                                                        std::string_view file) {
  HeaderReader reader;
  if (!Json::sax_parse(json, &reader)) {
    return InvalidInput(fmt::format("{}: header: {}", file, reader.problem));
  }
  return std::move(reader.entries);
}

}  // namespace arena::internal
