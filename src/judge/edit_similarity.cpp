#include "judge/edit_similarity.h"

#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "judge/code_point.h"

namespace arena {
namespace {

constexpr std::size_t kBits = 64;

// 64 rows of one column of the distance matrix, as vertical differences: +1 in `plus`, -1 in
// `minus`.
struct Block {
  std::uint64_t plus = ~std::uint64_t{0};
  std::uint64_t minus = 0;
};

// Moves a block one column to the right. `in` and the returned value are the horizontal differences
// (-1, 0, 1) above the block and at the row of `last_bit`.
int Advance(Block& block, std::uint64_t match, int in, std::uint64_t last_bit) {
  const std::uint64_t in_minus = in < 0 ? 1 : 0;
  const std::uint64_t vertical = match | block.minus;
  const std::uint64_t match_in = match | in_minus;
  const std::uint64_t diagonal = (((match_in & block.plus) + block.plus) ^ block.plus) | match_in;
  std::uint64_t plus = block.minus | ~(diagonal | block.plus);
  std::uint64_t minus = block.plus & diagonal;
  const int out = (plus & last_bit) != 0 ? 1 : (minus & last_bit) != 0 ? -1 : 0;
  plus = (plus << 1) | (in > 0 ? 1U : 0U);
  minus = (minus << 1) | in_minus;
  block.plus = minus | ~(vertical | plus);
  block.minus = plus & vertical;
  return out;
}

// The matrix's rows are the shorter text's; `pattern` is not empty.
std::size_t BlockDistance(std::u32string_view pattern, std::u32string_view text) {
  const std::size_t count = (pattern.size() + kBits - 1) / kBits;
  std::unordered_map<char32_t, std::vector<std::uint64_t>> matches;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    std::vector<std::uint64_t>& bits = matches[pattern[i]];
    bits.resize(count);
    bits[i / kBits] |= std::uint64_t{1} << (i % kBits);
  }
  const std::vector<std::uint64_t> none(count);
  const std::uint64_t top_bit = std::uint64_t{1} << (kBits - 1);
  const std::uint64_t last_bit = std::uint64_t{1} << ((pattern.size() - 1) % kBits);
  std::vector<Block> blocks(count);
  std::size_t distance = pattern.size();
  for (const char32_t c : text) {
    const auto found = matches.find(c);
    const std::vector<std::uint64_t>& match = found == matches.end() ? none : found->second;
    int difference = 1;  // the first row counts up
    for (std::size_t b = 0; b < count; ++b) {
      difference = Advance(blocks[b], match[b], difference, b + 1 == count ? last_bit : top_bit);
    }
    distance += static_cast<std::size_t>(difference);  // -1 wraps round, as it should
  }
  return distance;
}

}  // namespace

std::u32string CodePoints(std::string_view text) {
  constexpr char32_t kInvalidByte = 0x110000;
  std::u32string points;
  points.reserve(text.size());
  for (std::size_t pos = 0; pos < text.size();) {
    const CodePoint point = ReadCodePoint(text, pos);
    if (point.value < 0) {
      points += kInvalidByte + static_cast<unsigned char>(text[pos]);
      ++pos;
    } else {
      points += static_cast<char32_t>(point.value);
      pos += point.length;
    }
  }
  return points;
}

std::size_t CodePointDistance(std::u32string_view a, std::u32string_view b) {
  while (!a.empty() && !b.empty() && a.front() == b.front()) {
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
  while (!a.empty() && !b.empty() && a.back() == b.back()) {
    a.remove_suffix(1);
    b.remove_suffix(1);
  }
  if (a.size() > b.size()) std::swap(a, b);
  return a.empty() ? b.size() : BlockDistance(a, b);
}

}  // namespace arena
