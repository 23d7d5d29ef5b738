// Numbers and bounds of the rendezvous protocol.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace arena::train::internal {

inline constexpr std::string_view kRendezvousProtocol = "arena-rendezvous-1";
inline constexpr std::size_t kMaxMessage = std::size_t{1} << 20;

template <typename Number>
void AppendNumber(Number number, std::string& out) {
  char bytes[sizeof number];
  std::memcpy(bytes, &number, sizeof number);
  out.append(bytes, sizeof number);
}

// Not inlined: g++ 12 takes the bytes of short strings for uninitialised there.
[[gnu::noinline]] inline bool TakeBytes(std::string_view& bytes, void* to, std::size_t size) {
  if (bytes.size() < size) return false;
  std::memcpy(to, bytes.data(), size);
  bytes.remove_prefix(size);
  return true;
}

/// Takes a number off the front; false: too few bytes.
template <typename Number>
bool TakeNumber(std::string_view& bytes, Number& number) {
  return TakeBytes(bytes, &number, sizeof number);
}

}  // namespace arena::train::internal
