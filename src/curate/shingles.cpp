#include "curate/shingles.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unicode/utf8.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <mutex>
#include <string>

#include "base/file.h"
#include "base/parallel.h"
#include "curate/words.h"

namespace arena {
namespace {

constexpr std::uint64_t kRollingFactor = 0x9E6C63D0876A9A35ULL;  // odd
constexpr std::size_t kShingledAtOnce = 64;
constexpr std::size_t kNumbersOfBlock = std::size_t{1} << 20;  // 8 MB
constexpr std::size_t kNumbersAtOnce = std::size_t{1} << 14;   // that a thread takes

// Of valid UTF-8.
void AppendCodePoints(std::string_view text, std::vector<std::uint64_t>& out) {
  const auto* const bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  std::size_t at = 0;
  while (at < text.size()) {
    std::int32_t c = 0;
    U8_NEXT_UNSAFE(bytes, at, c);
    out.push_back(MixBits(static_cast<std::uint64_t>(c), 1));
  }
}

std::uint64_t Finish(std::uint64_t rolled, std::uint64_t elements) {
  const std::uint64_t hash = MixBits(rolled, elements);
  return hash == 0 ? 1 : hash;
}

}  // namespace

std::string_view ShingleUnitName(ShingleUnit unit) {
  return unit == ShingleUnit::kWords ? "words" : "characters";
}

std::optional<ShingleUnit> ParseShingleUnit(std::string_view name) {
  if (name == "words") return ShingleUnit::kWords;
  if (name == "characters") return ShingleUnit::kCharacters;
  return std::nullopt;
}

void RollingHashes(std::span<const std::uint64_t> elements, int size,
                   std::vector<std::uint64_t>& hashes) {
  hashes.clear();
  if (elements.empty()) return;
  const std::size_t width = std::min(static_cast<std::size_t>(size), elements.size());
  hashes.resize(elements.size() - width + 1);
  std::uint64_t rolled = 0;
  std::uint64_t leaving_factor = 1;  // kRollingFactor^width
  for (std::size_t i = 0; i < width; ++i) {
    rolled = rolled * kRollingFactor + elements[i];
    leaving_factor *= kRollingFactor;
  }
  hashes[0] = Finish(rolled, width);
  for (std::size_t i = width; i < elements.size(); ++i) {
    rolled = rolled * kRollingFactor + (elements[i] - leaving_factor * elements[i - width]);
    hashes[i - width + 1] = Finish(rolled, width);
  }
}

void HashSet::Reset(std::size_t count) {
  const std::size_t size = std::bit_ceil(4 * count + 2);
  slots_.assign(size, 0);
  mask_ = size - 1;
}

std::size_t HashSet::Place(std::uint64_t number) const {
  std::size_t place = number & mask_;
  while (slots_[place] != 0 && slots_[place] != number) place = (place + 1) & mask_;
  return place;
}

bool HashSet::Insert(std::uint64_t number) {
  std::uint64_t& slot = slots_[Place(number)];
  const bool is_new = slot == 0;
  slot = number;
  return is_new;
}

bool HashSet::Contains(std::uint64_t number) const { return slots_[Place(number)] != 0; }

std::span<const std::uint64_t> Shingler::Shingles(std::string_view text) {
  Prepare(text);
  return std::span(hashes_).first(WritePrepared(hashes_.data()));
}

std::size_t Shingler::Prepare(std::string_view text) {
  elements_.clear();
  if (options_.unit == ShingleUnit::kWords) {
    AppendWordHashes(text, elements_);
  } else {
    AppendCodePoints(NormalizedText(text), elements_);
  }
  RollingHashes(elements_, options_.size, hashes_);
  return hashes_.size();
}

// `room` may be where the hashes are: what is written was read.
std::size_t Shingler::WritePrepared(std::uint64_t* room) {
  seen_.Reset(hashes_.size());
  std::size_t count = 0;
  for (const std::uint64_t hash : hashes_) {
    room[count] = hash;
    count += seen_.Insert(hash) ? 1 : 0;
  }
  return count;
}

// In the last block, or in a new one.
std::span<std::uint64_t> ShingleSets::MakeRoom(std::size_t numbers) {
  if (blocks_.empty() || blocks_.back().size() - used_ < numbers) {
    blocks_.emplace_back(std::max(numbers, kNumbersOfBlock));
    used_ = 0;
  }
  std::uint64_t* const room = blocks_.back().data() + used_;
  used_ += numbers;
  block_bytes_ += numbers * sizeof(std::uint64_t);
  return {room, numbers};
}

// What was not used, if it is the last that was made.
void ShingleSets::GiveBack(std::span<const std::uint64_t> room) {
  if (room.empty() || room.data() + room.size() != blocks_.back().data() + used_) return;
  used_ -= room.size();
  block_bytes_ -= room.size_bytes();
}

void ShingleSets::Add(std::span<const std::string_view> texts, const ShingleOptions& options,
                      unsigned threads) {
  const std::size_t first = sets_.size();
  sets_.resize(first + texts.size());
  if (threads == 0) threads = DefaultThreads();
  const std::size_t parts = (texts.size() + kShingledAtOnce - 1) / kShingledAtOnce;
  std::atomic<std::size_t> next_part{0};
  std::mutex mutex;
  ParallelFor(std::min<std::size_t>(threads, parts), threads, [&](std::size_t) {
    Shingler shingler(options);
    std::span<std::uint64_t> room;  // of this thread
    for (std::size_t part = next_part++; part < parts; part = next_part++) {
      const std::size_t begin = part * kShingledAtOnce;
      const std::size_t end = std::min(begin + kShingledAtOnce, texts.size());
      for (std::size_t i = begin; i < end; ++i) {
        const std::size_t most = shingler.Prepare(texts[i]);
        if (room.size() < most) {
          const std::lock_guard lock(mutex);
          GiveBack(room);
          room = MakeRoom(std::max(most, kNumbersAtOnce));
        }
        const std::size_t count = shingler.WritePrepared(room.data());
        sets_[first + i].numbers = room.data();
        sets_[first + i].size = count;
        room = room.subspan(count);
      }
    }
    const std::lock_guard lock(mutex);
    GiveBack(room);
  });
}

// A file without a name, written at its end and mapped as a whole.
class ShingleSets::SpillFile {
 public:
  explicit SpillFile(int fd) : fd_(fd) {}
  SpillFile(const SpillFile&) = delete;
  SpillFile& operator=(const SpillFile&) = delete;
  ~SpillFile() {
    Unmap();
    ::close(fd_);
  }

  static Result<std::unique_ptr<SpillFile>> Make(const std::filesystem::path& folder) {
    std::string name = (folder / "shingles.XXXXXX").string();
    const int fd = ::mkostemp(name.data(), O_CLOEXEC);
    if (fd < 0) return SystemError("make a file in", folder);
    ::unlink(name.c_str());
    return std::make_unique<SpillFile>(fd);
  }

  std::uint64_t numbers() const { return numbers_; }

  Status Append(std::span<const std::uint64_t> numbers) {
    const std::string_view bytes(reinterpret_cast<const char*>(numbers.data()),
                                 numbers.size() * sizeof(std::uint64_t));
    if (!WriteAll(fd_, bytes)) return SystemError("write", "the file of shingles");
    numbers_ += numbers.size();
    return {};
  }

  Result<const std::uint64_t*> Map() {
    Unmap();
    if (numbers_ == 0) return nullptr;
    bytes_ = numbers_ * sizeof(std::uint64_t);
    map_ = ::mmap(nullptr, bytes_, PROT_READ, MAP_SHARED, fd_, 0);
    if (map_ == MAP_FAILED) {
      map_ = nullptr;
      return SystemError("map", "the file of shingles");
    }
    return static_cast<const std::uint64_t*>(map_);
  }

 private:
  void Unmap() {
    if (map_ != nullptr) ::munmap(map_, bytes_);
    map_ = nullptr;
  }

  const int fd_;
  std::uint64_t numbers_ = 0;
  void* map_ = nullptr;
  std::size_t bytes_ = 0;
};

ShingleSets::ShingleSets() = default;
ShingleSets::ShingleSets(ShingleSets&&) noexcept = default;
ShingleSets& ShingleSets::operator=(ShingleSets&&) noexcept = default;
ShingleSets::~ShingleSets() = default;

Status ShingleSets::Spill(const std::filesystem::path& folder) {
  if (file_ == nullptr) {
    ARENA_ASSIGN_OR_RETURN(file_, SpillFile::Make(folder));
  }
  std::vector<std::uint64_t> waiting;
  std::uint64_t place = file_->numbers();
  for (; spilled_ < sets_.size(); ++spilled_) {
    Set& set = sets_[spilled_];
    waiting.insert(waiting.end(), set.numbers, set.numbers + set.size);
    set.place = place;
    place += set.size;
    if (waiting.size() < kNumbersOfBlock && spilled_ + 1 < sets_.size()) continue;
    ARENA_RETURN_IF_ERROR(file_->Append(waiting));
    waiting.clear();
  }
  blocks_.clear();
  block_bytes_ = 0;
  ARENA_ASSIGN_OR_RETURN(mapped_, file_->Map());
  return {};
}

std::size_t ShingleSets::bytes() const {
  return block_bytes_ + sets_.capacity() * sizeof(sets_.front());
}

double Jaccard(std::span<const std::uint64_t> a, std::span<const std::uint64_t> b) {
  if (a.empty() && b.empty()) return 0;
  HashSet set;
  set.Reset(a.size());
  for (const std::uint64_t number : a) set.Insert(number);
  const auto shared =
      std::count_if(b.begin(), b.end(), [&set](std::uint64_t n) { return set.Contains(n); });
  const auto both = static_cast<double>(shared);
  return both / (static_cast<double>(a.size() + b.size()) - both);
}

}  // namespace arena
