#include "train/event_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <climits>

namespace arena::train {
namespace {

using internal::AppendFile;

constexpr std::array<std::uint32_t, 256> MakeCrcTable() {
  constexpr std::uint32_t kCastagnoli = 0x82F63B78U;  // reversed
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ ((value & 1U) != 0 ? kCastagnoli : 0U);
    table[i] = value;
  }
  return table;
}

// A CRC over bytes that hold their own CRC is weak, hence the mask.
std::uint32_t MaskedCrc(std::string_view bytes) {
  return std::rotr(Crc32c(bytes), 15) + 0xA282EAD8U;
}

void AppendLittleEndian(std::uint64_t value, int bytes, std::string& out) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> (8 * i) & 0xFF));
}

std::string Record(std::string_view bytes) {
  std::string record;
  AppendLittleEndian(bytes.size(), 8, record);
  AppendLittleEndian(MaskedCrc(record), 4, record);
  record.append(bytes);
  AppendLittleEndian(MaskedCrc(bytes), 4, record);
  return record;
}

// The wire types of Protocol Buffers.
enum class Wire : std::uint64_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

void AppendVarint(std::uint64_t value, std::string& out) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

void AppendTag(std::uint64_t field, Wire wire, std::string& out) {
  AppendVarint(field << 3 | static_cast<std::uint64_t>(wire), out);
}

void AppendBytes(std::uint64_t field, std::string_view bytes, std::string& out) {
  AppendTag(field, Wire::kBytes, out);
  AppendVarint(bytes.size(), out);
  out.append(bytes);
}

// Event: wall_time = 1 (double), step = 2 (int64).
std::string EventStart(std::int64_t step, EventFile::Time now) {
  const std::chrono::duration<double> seconds = now.time_since_epoch();
  std::string event;
  AppendTag(1, Wire::kFixed64, event);
  AppendLittleEndian(std::bit_cast<std::uint64_t>(seconds.count()), 8, event);
  AppendTag(2, Wire::kVarint, event);
  AppendVarint(static_cast<std::uint64_t>(step), event);
  return event;
}

// Event.file_version = 3
std::string VersionEvent(EventFile::Time now) {
  std::string event = EventStart(0, now);
  AppendBytes(3, "brain.Event:2", event);
  return event;
}

// Event.session_log = 7; SessionLog.status = 1, START = 1
std::string SessionStartEvent(std::int64_t step, EventFile::Time now) {
  std::string session;
  AppendTag(1, Wire::kVarint, session);
  AppendVarint(1, session);
  std::string event = EventStart(step, now);
  AppendBytes(7, session, event);
  return event;
}

// Event.summary = 5; Summary.value = 1; Value.tag = 1, Value.simple_value = 2 (float)
std::string SummaryEvent(std::int64_t step, std::span<const Metric> metrics, EventFile::Time now) {
  std::string summary;
  for (const Metric& metric : metrics) {
    std::string value;
    AppendBytes(1, metric.name, value);
    AppendTag(2, Wire::kFixed32, value);
    AppendLittleEndian(std::bit_cast<std::uint32_t>(static_cast<float>(metric.value)), 4, value);
    AppendBytes(1, value, summary);
  }
  std::string event = EventStart(step, now);
  AppendBytes(5, summary, event);
  return event;
}

std::string HostName() {
  char name[HOST_NAME_MAX + 1] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "localhost";
}

// TensorBoard reads a folder's files in the order of their names, which begin with the time.
Result<AppendFile> CreateFile(const std::filesystem::path& folder, EventFile::Time now) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch());
  const std::string name =
      fmt::format("events.out.tfevents.{:010}.{}.{}", seconds.count(), HostName(), ::getpid());
  int number = 0;  // of files that this process began in the same second
  while (std::filesystem::exists(folder / fmt::format("{}.{}", name, number))) ++number;
  return AppendFile::Open(folder / fmt::format("{}.{}", name, number),
                          AppendFile::Mode::kCreateNew);
}

}  // namespace

std::uint32_t Crc32c(std::string_view bytes) {
  static constexpr std::array<std::uint32_t, 256> kTable = MakeCrcTable();
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const char byte : bytes) {
    crc = crc >> 8 ^ kTable[(crc ^ static_cast<unsigned char>(byte)) & 0xFFU];
  }
  return ~crc;
}

Result<EventFile> EventFile::Create(const std::filesystem::path& folder, std::int64_t steps_done,
                                    Time now) {
  ARENA_ASSIGN_OR_RETURN(AppendFile file, CreateFile(folder, now));
  ARENA_RETURN_IF_ERROR(file.Append(Record(VersionEvent(now))));
  if (steps_done > 0) {
    ARENA_RETURN_IF_ERROR(file.Append(Record(SessionStartEvent(steps_done + 1, now))));
  }
  return EventFile(std::move(file));
}

Status EventFile::Write(std::int64_t step, std::span<const Metric> metrics, Time now) {
  return file_.Append(Record(SummaryEvent(step, metrics, now)));
}

}  // namespace arena::train
