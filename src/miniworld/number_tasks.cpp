// Tasks on numbers.
#include <algorithm>

#include "miniworld/internal/draw.h"
#include "miniworld/internal/tables.h"

namespace arena::mini::internal {
namespace {

constexpr int kLargestOperand = 50;

std::string Text(int number) { return std::to_string(number); }

}  // namespace

std::vector<int> TwoDigitNumbers(int count, Rng& rng) {
  std::vector<int> numbers;
  while (numbers.size() < static_cast<std::size_t>(count)) {
    const int number = Between(10, 99, rng);
    if (std::find(numbers.begin(), numbers.end(), number) == numbers.end()) {
      numbers.push_back(number);
    }
  }
  return numbers;
}

Task DrawSortNumbers(Rng& rng) {
  std::vector<int> numbers = TwoDigitNumbers(Between(2, 4, rng), rng);
  const auto text = [&numbers] {
    std::vector<std::string> parts;
    for (const int number : numbers) parts.push_back(Text(number));
    return Join(parts, " ");
  };
  std::string given = text();
  std::sort(numbers.begin(), numbers.end());
  return {Family::kSortNumbers, {std::move(given)}, {{text()}}};
}

Task DrawAdd(Rng& rng) {
  const int a = Between(1, kLargestOperand, rng), b = Between(1, kLargestOperand, rng);
  return {Family::kAdd, {Text(a), Text(b)}, {{Text(a + b)}}};
}

Task DrawSubtract(Rng& rng) {
  const int a = Between(1, kLargestOperand, rng), b = Between(1, a, rng);
  return {Family::kSubtract, {Text(a), Text(b)}, {{Text(a - b)}}};
}

Task DrawCompare(Rng& rng) {
  const int a = Between(1, 200, rng);
  int b = a;
  while (b == a) b = Between(1, 200, rng);
  const bool larger = rng.Below(2) == 0;
  return {Family::kCompare,
          {std::string(kSizes[larger ? 0 : 1]), Text(a), Text(b)},
          {{Text(larger ? std::max(a, b) : std::min(a, b))}}};
}

Task DrawUnit(Rng& rng) {
  const Conversion& unit = Pick(kConversions, rng);
  const int count = Between(1, 99, rng);
  return {Family::kUnit,
          {Text(count), std::string(unit.from), std::string(unit.to)},
          {{Text(count * unit.factor)}}};
}

}  // namespace arena::mini::internal
