#include "text/internal/sentencepiece_spec.h"

#include <cstdint>
#include <optional>

#include "base/function_ref.h"

namespace arena {
namespace {

// Field numbers of the format.
constexpr std::uint64_t kTrainerSpec = 2, kNormalizerSpec = 3;  // of the model
constexpr std::uint64_t kModelType = 3;                         // of the trainer spec
constexpr std::uint64_t kAddDummyPrefix = 3;                    // of the normalizer spec

std::optional<std::uint64_t> TakeVarint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<std::uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

struct Field {
  std::uint64_t number = 0;
  std::uint64_t value = 0;  ///< of a varint
  std::string_view bytes;   ///< of a nested message
};

/// Takes a field's value of the wire type; false at an end before it.
bool TakeValue(std::uint64_t wire_type, std::string_view& message, Field& field) {
  std::uint64_t size = wire_type == 1 ? 8 : 4;
  if (wire_type == 0) {
    const auto value = TakeVarint(message);
    field.value = value.value_or(0);
    return value.has_value();
  }
  if (wire_type == 2) {
    const auto announced = TakeVarint(message);
    if (!announced) return false;
    size = *announced;
  } else if (wire_type != 1 && wire_type != 5) {
    return false;
  }
  if (size > message.size()) return false;
  field.bytes = message.substr(0, size);
  message.remove_prefix(size);
  return true;
}

void ForEachField(std::string_view message, FunctionRef<void(const Field&)> visit) {
  while (!message.empty()) {
    const auto tag = TakeVarint(message);
    if (!tag) return;
    Field field;
    field.number = *tag >> 3;
    if (!TakeValue(*tag & 7, message, field)) return;
    visit(field);
  }
}

}  // namespace

SentencePieceSpec ReadSentencePieceSpec(std::string_view model) {
  SentencePieceSpec spec;
  const auto read_trainer = [&](const Field& field) {
    if (field.number == kModelType) spec.model_type = static_cast<int>(field.value & 0xFF);
  };
  const auto read_normalizer = [&](const Field& field) {
    if (field.number == kAddDummyPrefix) spec.add_dummy_prefix = field.value != 0;
  };
  ForEachField(model, [&](const Field& field) {
    if (field.number == kTrainerSpec) ForEachField(field.bytes, read_trainer);
    if (field.number == kNormalizerSpec) ForEachField(field.bytes, read_normalizer);
  });
  return spec;
}

std::string WithoutDummyPrefix(std::string_view model) {
  // Protobuf merges a message that comes twice, and the last value of a field counts.
  std::string changed(model);
  changed += static_cast<char>(kNormalizerSpec << 3 | 2);
  changed += '\x02';
  changed += static_cast<char>(kAddDummyPrefix << 3);
  changed += '\x00';
  return changed;
}

}  // namespace arena
