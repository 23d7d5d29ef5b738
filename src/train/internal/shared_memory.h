// Memory that the ranks of one machine share.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/result.h"

namespace arena::train::internal {

/// A block of shared memory, zeroed. It goes when nobody has it and its name is removed. Not
/// thread-safe; what is in it is what its users agree on.
class SharedMemory {
 public:
  /// Under a name that nobody has. Error: the machine has not so much shared memory.
  static Result<SharedMemory> Create(std::size_t bytes);
  /// What another process of this machine created with this size. Error: it is not there.
  static Result<SharedMemory> Open(const std::string& name, std::size_t bytes);

  SharedMemory(SharedMemory&& other) noexcept;
  SharedMemory& operator=(SharedMemory&& other) noexcept;
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  ~SharedMemory();

  const std::string& name() const { return name_; }
  std::span<std::byte> bytes() const { return bytes_; }
  /// From now on nobody can open it; whoever has it keeps it. The creator's destructor does it too.
  void RemoveName();

 private:
  SharedMemory(std::string name, std::span<std::byte> bytes, bool is_creator)
      : name_(std::move(name)), bytes_(bytes), has_name_(is_creator) {}

  std::string name_;
  std::span<std::byte> bytes_;
  bool has_name_ = false;  // the name is there and is this object's to remove
};

}  // namespace arena::train::internal
