#include "text/jinja/operators.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "text/jinja/strings.h"

namespace arena::jinja {
namespace {

Error WrongKinds(std::string_view what, const Value& left, const Value& right) {
  if (left.IsUndefined()) return UndefinedError(left);
  if (right.IsUndefined()) return UndefinedError(right);
  return InvalidInput(fmt::format("cannot {} {} and {}", what, left.KindName(), right.KindName()));
}

Error Overflow() { return InvalidInput("an integer is out of range"); }

Result<Value> Concatenate(const MarkedText& left, const MarkedText& right, Budget& budget) {
  ARENA_RETURN_IF_ERROR(budget.Charge(left.size() + right.size()));
  MarkedText text = left;
  text.Append(right);
  return Value::String(std::move(text));
}

Result<Value> Add(const Value& left, const Value& right, Budget& budget) {
  if (left.IsString() && right.IsString()) return Concatenate(left.text(), right.text(), budget);
  if (left.IsList() && right.IsList()) {
    ARENA_RETURN_IF_ERROR(budget.Charge(kStepCost * (left.items().size() + right.items().size())));
    std::vector<Value> items = left.items();
    items.insert(items.end(), right.items().begin(), right.items().end());
    return Value::List(std::move(items));
  }
  if (!left.IsNumber() || !right.IsNumber()) return WrongKinds("add", left, right);
  if (left.IsFloat() || right.IsFloat()) return Value::Float(left.number() + right.number());
  std::int64_t sum = 0;
  if (__builtin_add_overflow(left.int_value(), right.int_value(), &sum)) return Overflow();
  return Value::Int(sum);
}

Result<Value> Multiply(const Value& left, const Value& right) {
  if (left.IsFloat() || right.IsFloat()) return Value::Float(left.number() * right.number());
  std::int64_t product = 0;
  if (__builtin_mul_overflow(left.int_value(), right.int_value(), &product)) return Overflow();
  return Value::Int(product);
}

// Quotient and remainder round towards minus infinity, as Python's do.
Result<Value> Divide(BinaryOperator op, const Value& left, const Value& right) {
  if (right.number() == 0) return InvalidInput("division by zero");
  if (op == BinaryOperator::kDivide) return Value::Float(left.number() / right.number());
  if (left.IsFloat() || right.IsFloat()) {
    const double quotient = std::floor(left.number() / right.number());
    if (op == BinaryOperator::kFloorDivide) return Value::Float(quotient);
    return Value::Float(left.number() - quotient * right.number());
  }
  const std::int64_t a = left.int_value(), b = right.int_value();
  if (b == -1) {  // the one quotient that can overflow
    std::int64_t negated = 0;
    if (__builtin_sub_overflow(std::int64_t{0}, a, &negated)) return Overflow();
    return Value::Int(op == BinaryOperator::kFloorDivide ? negated : 0);
  }
  const bool round_down = a % b != 0 && (a < 0) != (b < 0);
  if (op == BinaryOperator::kFloorDivide) return Value::Int(a / b - (round_down ? 1 : 0));
  return Value::Int(a % b + (round_down ? b : 0));
}

Result<Value> ApplyArithmetic(BinaryOperator op, const Value& left, const Value& right) {
  if (!left.IsNumber() || !right.IsNumber()) {
    return WrongKinds("compute with", left, right);
  }
  if (op == BinaryOperator::kMultiply) return Multiply(left, right);
  if (op != BinaryOperator::kSubtract) return Divide(op, left, right);
  if (left.IsFloat() || right.IsFloat()) return Value::Float(left.number() - right.number());
  std::int64_t difference = 0;
  if (__builtin_sub_overflow(left.int_value(), right.int_value(), &difference)) return Overflow();
  return Value::Int(difference);
}

// The integer of a slice's bound; none: left out.
Result<std::optional<std::int64_t>> Bound(const Value& value) {
  if (value.IsUndefined() || value.IsNone()) return std::optional<std::int64_t>();
  if (!value.IsInt() && !value.IsBool()) {
    return InvalidInput(fmt::format("a slice needs integers, not {}", value.KindName()));
  }
  return std::optional(value.int_value());
}

// Python's rules for the bounds of a slice of `size` elements.
struct SliceRange {
  std::int64_t start = 0, stop = 0, step = 1;
};

SliceRange AdjustSlice(std::optional<std::int64_t> start, std::optional<std::int64_t> stop,
                       std::int64_t step, std::int64_t size) {
  const std::int64_t low = step < 0 ? -1 : 0, high = step < 0 ? size - 1 : size;
  const auto adjust = [&](std::int64_t bound) {
    if (bound < 0) bound = bound < -size ? -1 : bound + size;
    return std::clamp(bound, low, std::max(low, high));
  };
  SliceRange range;
  range.step = step;
  range.start = start ? adjust(*start) : (step < 0 ? high : low);
  range.stop = stop ? adjust(*stop) : (step < 0 ? low : high);
  return range;
}

template <typename Take>
void ForEachInSlice(const SliceRange& range, Take take) {
  if (range.step > 0) {
    for (std::int64_t i = range.start; i < range.stop;) {
      take(static_cast<std::size_t>(i));
      if (range.step >= range.stop - i) break;
      i += range.step;
    }
  } else {
    for (std::int64_t i = range.start; i > range.stop;) {
      take(static_cast<std::size_t>(i));
      if (range.step <= range.stop - i) break;
      i += range.step;
    }
  }
}

Result<Value> SliceOfText(const MarkedText& text, const SliceRange& range,
                          const std::vector<std::size_t>& starts) {
  if (range.step == 1) {
    if (range.start >= range.stop) return Value::String({});
    return Value::String(text.Slice(starts[static_cast<std::size_t>(range.start)],
                                    starts[static_cast<std::size_t>(range.stop)]));
  }
  MarkedText slice;
  ForEachInSlice(range, [&](std::size_t i) { slice.Append(text.Slice(starts[i], starts[i + 1])); });
  return Value::String(std::move(slice));
}

Result<bool> Compare(BinaryOperator op, const Value& left, const Value& right, Budget& budget) {
  switch (op) {
    case BinaryOperator::kLess:
      return IsLess(left, right, budget);
    case BinaryOperator::kGreater:
      return IsLess(right, left, budget);
    case BinaryOperator::kLessEqual: {
      ARENA_ASSIGN_OR_RETURN(const bool less, IsLess(left, right, budget));
      return less || Equals(left, right, budget);
    }
    case BinaryOperator::kGreaterEqual: {
      ARENA_ASSIGN_OR_RETURN(const bool less, IsLess(right, left, budget));
      return less || Equals(left, right, budget);
    }
    case BinaryOperator::kEqual:
      return Equals(left, right, budget);
    case BinaryOperator::kNotEqual:
      return !Equals(left, right, budget);
    default: {
      ARENA_ASSIGN_OR_RETURN(const bool contains, Contains(right, left, budget));
      return contains == (op == BinaryOperator::kIn);
    }
  }
}

}  // namespace

Error UndefinedError(const Value& value) {
  const std::string& what = value.undefined_what();
  return InvalidInput(fmt::format("{} is undefined", what.empty() ? "a value" : what));
}

Result<MarkedText> ToText(const Value& value, Budget& budget) {
  if (value.IsString()) {
    ARENA_RETURN_IF_ERROR(budget.Charge(value.text().size()));
    return value.text();
  }
  if (value.IsUndefined()) return MarkedText();
  if (value.IsNone()) return MarkedText("None", true);
  if (value.IsBool()) return MarkedText(value.IsTrue() ? "True" : "False", true);
  if (value.IsInt()) return MarkedText(std::to_string(value.int_value()), true);
  if (value.IsFloat()) return MarkedText(FloatText(value.float_value()), true);
  return InvalidInput(
      fmt::format("{} cannot be written as text: use join or tojson", value.KindName()));
}

Result<std::vector<Value>> ToItems(const Value& value, Budget& budget) {
  std::vector<Value> items;
  if (value.IsUndefined()) return items;
  if (value.IsList()) {
    ARENA_RETURN_IF_ERROR(budget.Charge(kStepCost * value.items().size()));
    return value.items();
  }
  if (value.IsDict()) {
    for (const auto& [key, member] : value.members()) {
      ARENA_RETURN_IF_ERROR(budget.Charge(kElementCost + key.size()));
      items.push_back(Value::String(key));
    }
    return items;
  }
  if (!value.IsString()) {
    return InvalidInput(fmt::format("{} cannot be iterated over", value.KindName()));
  }
  const MarkedText& text = value.text();
  for (std::size_t pos = 0; pos < text.size();) {
    ARENA_RETURN_IF_ERROR(budget.Charge(kElementCost));
    const std::size_t size = CharacterSize(text.bytes(), pos);
    items.push_back(Value::String(text.Slice(pos, pos + size)));
    pos += size;
  }
  return items;
}

Result<Value> ApplyBinary(BinaryOperator op, const Value& left, const Value& right,
                          Budget& budget) {
  switch (op) {
    case BinaryOperator::kAdd:
      return Add(left, right, budget);
    case BinaryOperator::kConcatenate: {
      ARENA_ASSIGN_OR_RETURN(const MarkedText first, ToText(left, budget));
      ARENA_ASSIGN_OR_RETURN(const MarkedText second, ToText(right, budget));
      return Concatenate(first, second, budget);
    }
    case BinaryOperator::kSubtract:
    case BinaryOperator::kMultiply:
    case BinaryOperator::kDivide:
    case BinaryOperator::kFloorDivide:
    case BinaryOperator::kModulo:
      return ApplyArithmetic(op, left, right);
    default: {
      ARENA_ASSIGN_OR_RETURN(const bool holds, Compare(op, left, right, budget));
      ARENA_RETURN_IF_ERROR(budget.Check());
      return Value::Bool(holds);
    }
  }
}

Result<Value> ApplySign(UnaryOperator op, const Value& operand) {
  if (operand.IsUndefined()) return UndefinedError(operand);
  if (!operand.IsNumber()) {
    return InvalidInput(fmt::format("a sign before {}", operand.KindName()));
  }
  if (op == UnaryOperator::kPlus) return operand;
  if (operand.IsFloat()) return Value::Float(-operand.float_value());
  return ApplyArithmetic(BinaryOperator::kSubtract, Value::Int(0), operand);
}

Result<Value> GetMember(const Value& object, std::string_view name, Budget& budget) {
  if (object.IsUndefined()) return UndefinedError(object);
  if (object.IsDict()) ARENA_RETURN_IF_ERROR(budget.Charge(object.members().size()));
  if (const Value* member = object.FindMember(name)) return *member;
  return Value::MakeUndefined(fmt::format("'{}'", name));
}

Result<Value> GetIndex(const Value& object, const Value& index, Budget& budget) {
  if (object.IsUndefined()) return UndefinedError(object);
  if (index.IsString()) return GetMember(object, index.text().bytes(), budget);
  if (!index.IsInt() && !index.IsBool()) {
    return Value::MakeUndefined(fmt::format("the element at {}", index.KindName()));
  }
  const std::int64_t position = index.int_value();
  Value missing = Value::MakeUndefined(fmt::format("element {}", position));
  if (!object.IsList() && !object.IsString()) return missing;
  ARENA_ASSIGN_OR_RETURN(const std::size_t length, LengthOf(object, budget));
  const auto size = static_cast<std::int64_t>(length);
  if (position >= size || position < -size) return missing;
  const std::int64_t at = position < 0 ? position + size : position;
  if (object.IsList()) return object.items()[static_cast<std::size_t>(at)];
  return GetSlice(object, Value::Int(at), Value::Int(at + 1), Value(), budget);
}

Result<Value> GetSlice(const Value& object, const Value& start, const Value& stop,
                       const Value& step, Budget& budget) {
  if (object.IsUndefined()) return UndefinedError(object);
  if (!object.IsList() && !object.IsString()) {
    return InvalidInput(fmt::format("{} cannot be sliced", object.KindName()));
  }
  ARENA_ASSIGN_OR_RETURN(const auto from, Bound(start));
  ARENA_ASSIGN_OR_RETURN(const auto to, Bound(stop));
  ARENA_ASSIGN_OR_RETURN(const auto by, Bound(step));
  if (by == 0) return InvalidInput("the step of a slice is zero");
  const auto range = [&](std::size_t size) {
    return AdjustSlice(from, to, by.value_or(1), static_cast<std::int64_t>(size));
  };
  if (object.IsString()) {
    ARENA_RETURN_IF_ERROR(budget.Charge(sizeof(std::size_t) * object.text().size()));
    const std::vector<std::size_t> starts = CharacterStarts(object.text().bytes());
    return SliceOfText(object.text(), range(starts.size() - 1), starts);
  }
  ARENA_RETURN_IF_ERROR(budget.Charge(kStepCost * object.items().size()));
  std::vector<Value> items;
  ForEachInSlice(range(object.items().size()),
                 [&](std::size_t i) { items.push_back(object.items()[i]); });
  return Value::List(std::move(items));
}

Result<bool> IsLess(const Value& a, const Value& b, Budget& budget) {
  if (a.IsNumber() && b.IsNumber()) {
    if (a.IsFloat() || b.IsFloat()) return a.number() < b.number();
    return a.int_value() < b.int_value();
  }
  if (!a.IsString() || !b.IsString()) return WrongKinds("compare", a, b);
  ARENA_RETURN_IF_ERROR(budget.Charge(std::min(a.text().size(), b.text().size())));
  return a.text().bytes() < b.text().bytes();  // the order of UTF-8 is that of code points
}

Result<bool> Contains(const Value& container, const Value& item, Budget& budget) {
  if (container.IsUndefined()) return false;
  if (container.IsList()) {
    return std::any_of(container.items().begin(), container.items().end(),
                       [&](const Value& other) { return Equals(other, item, budget); });
  }
  if (!item.IsString()) return WrongKinds("search", container, item);
  if (container.IsString()) {
    ARENA_RETURN_IF_ERROR(budget.Charge(container.text().size()));
    return Find(container.text().bytes(), item.text().bytes(), 0) != std::string::npos;
  }
  if (!container.IsDict()) return WrongKinds("search", container, item);
  ARENA_RETURN_IF_ERROR(budget.Charge(container.members().size()));
  return container.FindMember(item.text().bytes()) != nullptr;
}

Result<std::size_t> LengthOf(const Value& value, Budget& budget) {
  if (value.IsUndefined()) return std::size_t{0};
  if (value.IsList()) return value.items().size();
  if (value.IsDict()) return value.members().size();
  if (!value.IsString()) {
    return InvalidInput(fmt::format("{} has no length", value.KindName()));
  }
  ARENA_RETURN_IF_ERROR(budget.Charge(value.text().size()));
  return CountCharacters(value.text().bytes());
}

}  // namespace arena::jinja
