// Sums over ranks of one machine, in memory that they share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/function_ref.h"
#include "base/result.h"
#include "train/internal/shared_memory.h"

namespace arena::train::internal {

/// One rank's side. All ranks call the same sums in the same order with the same sizes. Each waits
/// for the others without sleep at first: woken threads often land on a processor that another rank
/// computes on, which costs milliseconds. Not thread-safe.
class SharedSum {
 public:
  /// Of rank 0; the others Join() by its name(). Error: not enough shared memory.
  static Result<SharedSum> Create(int world_size);
  /// Error: there is none of this name on this machine.
  static Result<SharedSum> Join(const std::string& name, int rank, int world_size);

  const std::string& name() const { return memory_.name(); }
  /// When all have joined, its name is of no more use.
  void RemoveName() { memory_.RemoveName(); }

  /// values[i] = the sum over all ranks, added up in their order. `waiting` is called now and then
  /// while others are not there yet, with those ranks; what it throws ends the sum.
  using Waiting = FunctionRef<void(const std::vector<int>& late)>;
  void Add(std::span<float> values, Waiting waiting) { AddPieces(values, waiting); }
  void Add(std::span<double> values, Waiting waiting) { AddPieces(values, waiting); }

 private:
  SharedSum(SharedMemory memory, int rank, int world_size)
      : memory_(std::move(memory)), rank_(rank), world_size_(world_size) {}

  template <typename Number>
  void AddPieces(std::span<Number> values, Waiting waiting);
  template <typename Number>
  void AddPiece(std::span<Number> values, Waiting waiting);
  void Meet(Waiting waiting);
  bool IsLate(int rank) const;
  std::vector<int> Late() const;
  template <typename Number>
  Number* NumbersOf(int rank) const;

  SharedMemory memory_;
  int rank_;
  int world_size_;
  std::uint64_t meetings_ = 0;
  int half_ = 0;  // of the memory, in turn
};

}  // namespace arena::train::internal
