#include "train/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/temporary_folder.h"

namespace arena::train {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

class FixedClock final : public Clock {
 public:
  std::chrono::system_clock::time_point Now() const override {
    return std::chrono::system_clock::time_point(std::chrono::milliseconds(1'700'000'000'500));
  }
  std::chrono::steady_clock::time_point Steady() const override { return {}; }
};

const FixedClock kClock;

MetricsWriter Open(const TemporaryFolder& folder, std::int64_t steps_done) {
  auto writer = MetricsWriter::Open(folder.path(), steps_done, kClock);
  EXPECT_TRUE(writer.ok()) << writer.error().message;
  return std::move(*writer);
}

void WriteStep(MetricsWriter& writer, std::int64_t step, double loss) {
  const std::vector<Metric> metrics = {{"loss", loss}, {"learning_rate", 0.5}};
  const Status status = writer.Write(step, metrics);
  ASSERT_TRUE(status.ok()) << status.error().message;
}

std::string Lines(const TemporaryFolder& folder) {
  return ReadFile(folder / "metrics.jsonl").value();
}

TEST(MetricsTest, HaveOneLineAStep) {
  const TemporaryFolder folder;
  MetricsWriter writer = Open(folder, 0);
  WriteStep(writer, 1, 2.25);
  WriteStep(writer, 2, std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(Lines(folder),
            "{\"step\":1,\"loss\":2.25,\"learning_rate\":0.5}\n"
            "{\"step\":2,\"loss\":null,\"learning_rate\":0.5}\n");
}

TEST(MetricsTest, AResumedRunHasEachStepOnce) {
  const TemporaryFolder folder;
  {
    MetricsWriter writer = Open(folder, 0);
    for (const std::int64_t step : {1, 2, 3, 4}) WriteStep(writer, step, 1);
  }
  const std::string cut = Lines(folder) + "{\"step\":5,\"lo";
  ASSERT_TRUE(WriteFileAtomic(folder / "metrics.jsonl", cut).ok());
  MetricsWriter resumed = Open(folder, 2);
  WriteStep(resumed, 3, 7);
  EXPECT_EQ(Lines(folder),
            "{\"step\":1,\"loss\":1.0,\"learning_rate\":0.5}\n"
            "{\"step\":2,\"loss\":1.0,\"learning_rate\":0.5}\n"
            "{\"step\":3,\"loss\":7.0,\"learning_rate\":0.5}\n");
  EXPECT_FALSE(std::filesystem::exists(folder / "metrics.jsonl.tmp"));
}

TEST(MetricsTest, RefusesAFileThatIsNotItsOwn) {
  const TemporaryFolder folder;
  ASSERT_TRUE(WriteFileAtomic(folder / "metrics.jsonl", "{\"step\":1}\n{\"loss\":1}\n").ok());
  const auto writer = MetricsWriter::Open(folder.path(), 1, kClock);
  ASSERT_FALSE(writer.ok());
  EXPECT_THAT(writer.error().message, HasSubstr("metrics.jsonl:2: is no object with a step"));
}

TEST(MetricsTest, AFolderThatCannotBeMadeIsAnError) {
  const TemporaryFolder folder;
  ASSERT_TRUE(WriteFileAtomic(folder / "file", "").ok());
  const auto writer = MetricsWriter::Open(folder / "file", 0, kClock);
  ASSERT_FALSE(writer.ok());
  EXPECT_EQ(writer.error().code, ErrorCode::kIo);
}

TEST(Crc32cTest, HasThePublishedValues) {
  EXPECT_EQ(Crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8A9136AAU);  // RFC 3720, B.4
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62A8AB43U);
}

// What follows reads event files without the code under test.

struct Event {
  double wall_time = 0;
  std::int64_t step = -1;
  std::string version;
  std::optional<std::uint64_t> session_status;
  std::vector<std::pair<std::string, float>> values;
};

template <typename Number>
Number Take(std::string_view& bytes) {
  Number number{};
  if (bytes.size() < sizeof number) {
    ADD_FAILURE() << "cut off";
    bytes = {};
    return number;
  }
  std::memcpy(&number, bytes.data(), sizeof number);
  bytes.remove_prefix(sizeof number);
  return number;
}

std::uint64_t TakeVarint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const auto byte = Take<std::uint8_t>(bytes);
    value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) break;
  }
  return value;
}

std::string_view TakeBytes(std::string_view& bytes, std::size_t size) {
  EXPECT_LE(size, bytes.size());
  const std::string_view taken = bytes.substr(0, size);
  bytes.remove_prefix(std::min(size, bytes.size()));
  return taken;
}

// The fields of a message by number, raw: 8, 4 or any number of bytes, or a varint in 8.
std::multimap<std::uint64_t, std::string> Fields(std::string_view message) {
  std::multimap<std::uint64_t, std::string> fields;
  while (!message.empty()) {
    const std::uint64_t tag = TakeVarint(message);
    std::string raw;
    switch (tag & 7) {
      case 0: {
        const std::uint64_t value = TakeVarint(message);
        raw.assign(reinterpret_cast<const char*>(&value), sizeof value);
        break;
      }
      case 1:
        raw = TakeBytes(message, 8);
        break;
      case 2:
        raw = TakeBytes(message, TakeVarint(message));
        break;
      case 5:
        raw = TakeBytes(message, 4);
        break;
      default:
        ADD_FAILURE() << "wire type " << (tag & 7);
        return fields;
    }
    fields.emplace(tag >> 3, raw);
  }
  return fields;
}

template <typename Number>
Number NumberOf(std::string_view raw) {
  EXPECT_EQ(raw.size(), sizeof(Number));
  return Take<Number>(raw);
}

Event Decode(std::string_view bytes) {
  Event event;
  for (const auto& [field, raw] : Fields(bytes)) {
    if (field == 1) event.wall_time = NumberOf<double>(raw);
    if (field == 2) event.step = NumberOf<std::int64_t>(raw);
    if (field == 3) event.version = raw;
    if (field == 7) event.session_status = NumberOf<std::uint64_t>(Fields(raw).find(1)->second);
    if (field != 5) continue;
    for (const auto& [number, value] : Fields(raw)) {
      EXPECT_EQ(number, 1U);
      const auto parts = Fields(value);
      event.values.emplace_back(parts.find(1)->second, NumberOf<float>(parts.find(2)->second));
    }
  }
  return event;
}

// Bit by bit, from the definition.
std::uint32_t MaskedCrcByBits(std::string_view bytes) {
  std::uint32_t crc = ~0U;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0x82F63B78U & (0U - (crc & 1U)));
  }
  crc = ~crc;
  return ((crc >> 15) | (crc << 17)) + 0xA282EAD8U;
}

std::vector<Event> ReadEvents(const std::filesystem::path& path) {
  const std::string content = ReadFile(path).value();
  std::string_view rest = content;
  std::vector<Event> events;
  while (!rest.empty()) {
    const std::string_view length_bytes = rest.substr(0, 8);
    const auto length = Take<std::uint64_t>(rest);
    EXPECT_EQ(Take<std::uint32_t>(rest), MaskedCrcByBits(length_bytes));
    const std::string_view bytes = TakeBytes(rest, length);
    EXPECT_EQ(Take<std::uint32_t>(rest), MaskedCrcByBits(bytes));
    events.push_back(Decode(bytes));
  }
  return events;
}

std::vector<std::filesystem::path> EventFiles(const TemporaryFolder& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "tensorboard")) {
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

TEST(EventFileTest, HoldsTheNumbersOfEachStep) {
  const TemporaryFolder folder;
  MetricsWriter writer = Open(folder, 0);
  WriteStep(writer, 1, 2.25);
  WriteStep(writer, 300, 1.5);
  const auto files = EventFiles(folder);
  ASSERT_EQ(files.size(), 1U);
  EXPECT_THAT(files[0].filename().string(),
              ::testing::StartsWith("events.out.tfevents.1700000000."));
  const std::vector<Event> events = ReadEvents(files[0]);
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0].version, "brain.Event:2");
  EXPECT_EQ(events[0].wall_time, 1'700'000'000.5);
  EXPECT_EQ(events[1].step, 1);
  EXPECT_THAT(events[1].values, ElementsAre(Pair("loss", 2.25F), Pair("learning_rate", 0.5F)));
  EXPECT_EQ(events[2].step, 300);
  EXPECT_THAT(events[2].values, ElementsAre(Pair("loss", 1.5F), Pair("learning_rate", 0.5F)));
}

TEST(EventFileTest, AResumedRunTellsTensorBoardWhatToForget) {
  const TemporaryFolder folder;
  { MetricsWriter writer = Open(folder, 0); }
  MetricsWriter writer = Open(folder, 20);
  const auto files = EventFiles(folder);
  ASSERT_EQ(files.size(), 2U);
  const std::vector<Event> events = ReadEvents(files[1]);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].version, "brain.Event:2");
  EXPECT_EQ(events[1].step, 21);
  EXPECT_EQ(events[1].session_status, 1U);
}

}  // namespace
}  // namespace arena::train
