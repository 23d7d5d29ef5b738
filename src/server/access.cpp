#include "server/access.h"

#include <cstddef>

namespace arena {
namespace {

constexpr std::string_view kScheme = "bearer ";

bool HasScheme(std::string_view header) {
  if (header.size() < kScheme.size()) return false;
  for (std::size_t i = 0; i < kScheme.size(); ++i) {
    const char c = header[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != kScheme[i]) return false;
  }
  return true;
}

}  // namespace

bool IsLoopback(std::string_view host) {
  if (host == "localhost" || host == "::1") return true;
  // Digits and points only: 127.0.0.1.example.com is somebody's.
  return host.starts_with("127.") &&
         host.find_first_not_of("0123456789.") == std::string_view::npos;
}

bool IsAuthorised(std::string_view header, std::string_view token) {
  if (!HasScheme(header)) return false;
  const std::string_view given = header.substr(kScheme.size());
  unsigned difference = given.size() == token.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const auto is = static_cast<unsigned char>(given[i]);
    const auto expected = static_cast<unsigned char>(token[i % token.size()]);
    difference |= static_cast<unsigned>(is ^ expected);
  }
  return difference == 0;
}

}  // namespace arena
