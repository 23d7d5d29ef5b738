// Sets of shingles (n-grams of words or characters), the sets that Jaccard similarity compares.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/zeroed_array.h"

namespace arena {

enum class ShingleUnit { kWords, kCharacters };
std::string_view ShingleUnitName(ShingleUnit unit);
std::optional<ShingleUnit> ParseShingleUnit(std::string_view name);

struct ShingleOptions {
  ShingleUnit unit = ShingleUnit::kWords;
  int size = 5;  ///< words, or code points of the normalised text; at least 1
};

/// `hashes` becomes a hash of each run of `size` elements, computed by rolling. Distinct runs have
/// distinct hashes but for chance of 2^-64; no hash is 0. Fewer elements than `size` give one hash
/// of them all, none give none.
void RollingHashes(std::span<const std::uint64_t> elements, int size,
                   std::vector<std::uint64_t>& hashes);

/// A set of 64-bit numbers other than 0, for one document at a time. Not thread-safe.
class HashSet {
 public:
  /// Empties the set and makes room for `count` numbers.
  void Reset(std::size_t count);
  /// False: it was there.
  bool Insert(std::uint64_t number);
  bool Contains(std::uint64_t number) const;

 private:
  std::size_t Place(std::uint64_t number) const;

  std::vector<std::uint64_t> slots_ = {0, 0};
  std::size_t mask_ = 1;
};

/// Turns texts into sets of shingles. Keeps scratch memory: not thread-safe, one for each thread.
class Shingler {
 public:
  explicit Shingler(const ShingleOptions& options) : options_(options) {}

  /// The shingles of `text`, normalised as words.h says, as 64-bit hashes, each once, in the order
  /// in which they first appear. Valid until the next call.
  std::span<const std::uint64_t> Shingles(std::string_view text);

  /// The same in two steps, for sets that are to stay: Prepare() tells how many there may be, and
  /// WritePrepared() writes them where there is room for so many and returns how many there are.
  std::size_t Prepare(std::string_view text);
  std::size_t WritePrepared(std::uint64_t* room);

 private:
  ShingleOptions options_;
  std::vector<std::uint64_t> elements_;
  std::vector<std::uint64_t> hashes_;
  HashSet seen_;
};

/// The shingle sets of many documents, numbered from 0. 8 bytes a shingle and 16 a document.
/// Reading is thread-safe while nothing is added or spilled.
class ShingleSets {
 public:
  ShingleSets();
  ShingleSets(ShingleSets&&) noexcept;
  ShingleSets& operator=(ShingleSets&&) noexcept;
  ~ShingleSets();

  /// Appends the sets of `texts`, made on `threads` threads (0: all).
  void Add(std::span<const std::string_view> texts, const ShingleOptions& options,
           unsigned threads);

  /// Moves the sets to a file without a name in `folder`, which ends with this object. From there
  /// they are mapped, so that the system keeps in memory what it has room for. Sets that are added
  /// later wait in memory for the next call. Errors: the file cannot be made, written or mapped;
  /// the sets are then of no use.
  Status Spill(const std::filesystem::path& folder);

  std::size_t size() const { return sets_.size(); }
  std::span<const std::uint64_t> operator[](std::size_t document) const {
    const Set& set = sets_[document];
    return {document < spilled_ ? mapped_ + set.place : set.numbers, set.size};
  }
  /// Bytes held in memory, without what is mapped.
  std::size_t bytes() const;
  bool is_spilled() const { return file_ != nullptr; }

 private:
  class SpillFile;
  struct Set {
    union {
      const std::uint64_t* numbers;  ///< in blocks_
      std::uint64_t place;           ///< in the file, for those before spilled_
    };
    std::size_t size;
  };

  std::span<std::uint64_t> MakeRoom(std::size_t numbers);
  void GiveBack(std::span<const std::uint64_t> room);

  std::vector<ZeroedArray<std::uint64_t>> blocks_;  ///< of several documents each
  std::size_t used_ = 0;                            ///< numbers of the last block
  std::vector<Set> sets_;
  std::size_t block_bytes_ = 0;
  std::unique_ptr<SpillFile> file_;
  const std::uint64_t* mapped_ = nullptr;
  std::size_t spilled_ = 0;  ///< documents whose sets are in the file
};

/// |a and b| / |a or b|; 0 where both are empty. Neither holds a number twice.
double Jaccard(std::span<const std::uint64_t> a, std::span<const std::uint64_t> b);

}  // namespace arena
