// What carries requests to servers; tests bring one of their own.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/function_ref.h"
#include "net/http.h"

namespace arena {

using TransferId = std::uint64_t;

/// Many transfers at once. Used from one thread, but for Wake().
class Transport {
 public:
  virtual ~Transport() = default;
  /// Begins to send `request`, which must live until the transfer has ended.
  virtual void Start(TransferId id, const HttpRequest& request, const TransferLimits& limits) = 0;
  using Done = FunctionRef<void(TransferId, TransferResult&&)>;
  /// Works until `until`, or until a transfer has ended or Wake() was called. `done` gets every
  /// transfer that ended, once; it must not call the transport.
  virtual void Wait(std::chrono::steady_clock::time_point until, Done done) = 0;
  /// Makes Wait() return soon. Thread-safe.
  virtual void Wake() = 0;
};

}  // namespace arena
