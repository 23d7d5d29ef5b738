// Training on several processes: sums over all of them, in shared memory or by Gloo.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "base/function_ref.h"
#include "base/result.h"

namespace arena::train {

struct CollectiveOptions {
  int rank = 0;
  int world_size = 1;
  std::string master_address;  ///< where rank 0 listens; unused by a single rank
  int master_port = 0;
  /// How long the others may take: to come together at the start, and for each operation.
  std::chrono::milliseconds timeout = std::chrono::minutes(10);
  /// Whether ranks that are all of one machine add up in shared memory (4 MB a rank) and not over
  /// Gloo. Where there is too little of it, they use Gloo.
  bool share_memory = true;
};

/// RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT as torchrun sets them; without the first two a
/// single rank. `variable` is std::getenv or like it. Errors: some are missing, or no numbers
/// within their bounds.
Result<CollectiveOptions> CollectiveFromEnvironment(FunctionRef<const char*(const char*)> variable);

/// One rank's connection to all others. Every rank calls the same operations in the same order with
/// the same sizes; each waits for all. An error names the operation and, where it is known, the
/// rank that ended or did not come; after it every operation fails with the same error, and the
/// rank should end, upon which the others fail too. A single rank uses no network. Not thread-safe.
///
/// Rank 0 listens at the master's address: on loopback alone where that is one, else on all of its
/// machine's addresses. Nothing is authenticated or encrypted: for networks that are trusted.
class Collective {
 public:
  /// Waits for all ranks. SIGPIPE is ignored from now on. Errors: the port is in use, another world
  /// size, a rank that comes twice, ranks that do not come before the timeout.
  static Result<std::unique_ptr<Collective>> Connect(const CollectiveOptions& options);
  virtual ~Collective() = default;

  virtual int rank() const = 0;
  virtual int world_size() const = 0;

  /// values[i] = the sum of values[i] over all ranks. The same bits on all ranks, and in every run
  /// with the same world size and the same way of adding up (CollectiveOptions::share_memory).
  virtual Status AllReduceSum(std::span<float> values) = 0;
  virtual Status AllReduceSum(std::span<double> values) = 0;
  /// Rank 0's bytes for all.
  virtual Status Broadcast(std::span<std::byte> bytes) = 0;
  /// Returns when all ranks have called it.
  virtual Status Barrier() = 0;
};

}  // namespace arena::train
