#include "train/internal/shared_sum.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <utility>

namespace arena::train::internal {
namespace {

using std::chrono::steady_clock;

// What a rank shares at once.
constexpr std::size_t kPieceBytes = std::size_t{1} << 21;

// How often the ranks that are late are looked for at once, then for how long with pauses in which
// others may compute, and how long the pauses are after that.
constexpr int kLooks = 2000;
constexpr auto kPatience = std::chrono::milliseconds(20);
constexpr auto kPause = std::chrono::microseconds(100);
constexpr auto kBetweenCalls = std::chrono::milliseconds(10);

// How many meetings a rank has come to, on a cache line of its own. In shared memory, zero at
// first.
struct alignas(64) Arrival {
  std::atomic<std::uint64_t> meetings;
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

std::size_t BytesFor(int world_size) {
  return static_cast<std::size_t>(world_size) * (sizeof(Arrival) + 2 * kPieceBytes);
}

}  // namespace

Result<SharedSum> SharedSum::Create(int world_size) {
  ARENA_ASSIGN_OR_RETURN(SharedMemory memory, SharedMemory::Create(BytesFor(world_size)));
  return SharedSum(std::move(memory), 0, world_size);
}

Result<SharedSum> SharedSum::Join(const std::string& name, int rank, int world_size) {
  ARENA_ASSIGN_OR_RETURN(SharedMemory memory, SharedMemory::Open(name, BytesFor(world_size)));
  return SharedSum(std::move(memory), rank, world_size);
}

template <typename Number>
void SharedSum::AddPieces(std::span<Number> values, Waiting waiting) {
  constexpr std::size_t kMost = kPieceBytes / sizeof(Number);
  for (std::size_t begin = 0; begin < values.size(); begin += kMost) {
    AddPiece(values.subspan(begin, std::min(kMost, values.size() - begin)), waiting);
  }
}

template void SharedSum::AddPieces(std::span<float>, Waiting);
template void SharedSum::AddPieces(std::span<double>, Waiting);

// Each rank shows its numbers, adds up one stretch of everybody's and puts the sums where its own
// were. Who still reads sums while others show the next numbers reads the other half.
template <typename Number>
void SharedSum::AddPiece(std::span<Number> values, Waiting waiting) {
  const auto begin_of = [&](int rank) {
    return values.size() * static_cast<std::size_t>(rank) / static_cast<std::size_t>(world_size_);
  };
  std::copy(values.begin(), values.end(), NumbersOf<Number>(rank_));
  Meet(waiting);
  const std::size_t begin = begin_of(rank_), end = begin_of(rank_ + 1);
  std::copy(NumbersOf<Number>(0) + begin, NumbersOf<Number>(0) + end, values.data() + begin);
  for (int other = 1; other < world_size_; ++other) {
    const Number* const terms = NumbersOf<Number>(other);
    for (std::size_t i = begin; i < end; ++i) values[i] += terms[i];
  }
  std::copy(values.data() + begin, values.data() + end, NumbersOf<Number>(rank_) + begin);
  Meet(waiting);
  for (int other = 0; other < world_size_; ++other) {
    if (other == rank_) continue;
    const Number* const sums = NumbersOf<Number>(other);
    std::copy(sums + begin_of(other), sums + begin_of(other + 1), values.data() + begin_of(other));
  }
  half_ = 1 - half_;
}

void SharedSum::Meet(Waiting waiting) {
  auto* const arrivals = reinterpret_cast<Arrival*>(memory_.bytes().data());
  arrivals[rank_].meetings.store(++meetings_, std::memory_order_release);
  const auto began = steady_clock::now();
  auto called = began;
  for (int rank = 0; rank < world_size_; ++rank) {
    for (int look = 0; IsLate(rank); ++look) {
      if (look < kLooks) continue;
      const auto now = steady_clock::now();
      if (now - began < kPatience) {
        ::sched_yield();
      } else {
        std::this_thread::sleep_for(kPause);
      }
      if (now - called < kBetweenCalls) continue;
      called = now;
      waiting(Late());
    }
  }
}

bool SharedSum::IsLate(int rank) const {
  const auto* const arrivals = reinterpret_cast<const Arrival*>(memory_.bytes().data());
  return arrivals[rank].meetings.load(std::memory_order_acquire) < meetings_;
}

std::vector<int> SharedSum::Late() const {
  std::vector<int> late;
  for (int rank = 0; rank < world_size_; ++rank) {
    if (IsLate(rank)) late.push_back(rank);
  }
  return late;
}

template <typename Number>
Number* SharedSum::NumbersOf(int rank) const {
  const auto ranks = static_cast<std::size_t>(world_size_);
  const auto place = static_cast<std::size_t>(half_) * ranks + static_cast<std::size_t>(rank);
  return reinterpret_cast<Number*>(memory_.bytes().data() + ranks * sizeof(Arrival) +
                                   place * kPieceBytes);
}

}  // namespace arena::train::internal
