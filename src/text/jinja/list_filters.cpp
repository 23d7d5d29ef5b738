#include "text/jinja/list_filters.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "text/jinja/filters.h"
#include "text/jinja/methods.h"
#include "text/jinja/operators.h"
#include "text/jinja/strings.h"

namespace arena::jinja {
namespace {

// "a.b.0": members and elements, one after the other.
Result<Value> GetPath(const Value& object, std::string_view path, Budget& budget) {
  Value value = object;
  while (true) {
    ARENA_RETURN_IF_ERROR(budget.Charge(kStepCost));
    const std::size_t dot = path.find('.');
    const std::string_view part = path.substr(0, dot);
    std::int64_t index = 0;
    const auto parsed = std::from_chars(part.data(), part.data() + part.size(), index);
    const bool is_index = parsed.ec == std::errc() && parsed.ptr == part.data() + part.size();
    ARENA_ASSIGN_OR_RETURN(value, is_index ? GetIndex(value, Value::Int(index), budget)
                                           : GetMember(value, part, budget));
    if (dot == std::string_view::npos) return value;
    path.remove_prefix(dot + 1);
  }
}

// An element, or its attribute where one is named.
Result<Value> AttributeOf(const Value& item, const Value& attribute, Budget& budget) {
  if (attribute.IsUndefined() || attribute.IsNone()) return item;
  if (attribute.IsInt()) return GetIndex(item, attribute, budget);
  ARENA_ASSIGN_OR_RETURN(const MarkedText* path, NeedText("attribute", attribute));
  return GetPath(item, path->bytes(), budget);
}

CallArguments From(const CallArguments& arguments, std::size_t first) {
  CallArguments rest;
  rest.named = arguments.named;
  for (std::size_t i = first; i < arguments.positional.size(); ++i) {
    rest.positional.push_back(arguments.positional[i]);
  }
  return rest;
}

struct SelectOptions {
  std::string_view name;
  bool by_attribute = false;
  bool keep = true;
};

Result<Value> Select(const SelectOptions& options, const Value& input,
                     const CallArguments& arguments, Budget& budget) {
  const std::size_t test_at = options.by_attribute ? 1 : 0;
  if (options.by_attribute && arguments.positional.empty()) {
    return InvalidInput(fmt::format("'{}' needs the name of an attribute", options.name));
  }
  const bool has_test = arguments.positional.size() > test_at;
  const CallArguments rest = From(arguments, test_at + 1);
  std::string_view test;
  if (has_test) {
    ARENA_ASSIGN_OR_RETURN(const MarkedText* name,
                           NeedText(options.name, arguments.positional[test_at]));
    test = name->bytes();
  }
  ARENA_ASSIGN_OR_RETURN(std::vector<Value> items, ToItems(input, budget));
  std::vector<Value> kept;
  for (Value& item : items) {
    Value value = item;
    if (options.by_attribute) {
      ARENA_ASSIGN_OR_RETURN(value, AttributeOf(item, arguments.positional[0], budget));
    }
    bool holds = value.IsTrue();
    if (has_test) {
      ARENA_RETURN_IF_ERROR(budget.Charge(kStepCost));
      ARENA_ASSIGN_OR_RETURN(holds, ApplyTest(test, value, rest, budget));
    }
    if (holds == options.keep) kept.push_back(std::move(item));
  }
  return Value::List(std::move(kept));
}

// What an element is sorted by.
Result<Value> SortKey(const Value& item, const Value& attribute, bool is_case_sensitive,
                      Budget& budget) {
  ARENA_ASSIGN_OR_RETURN(Value key, AttributeOf(item, attribute, budget));
  if (is_case_sensitive || !key.IsString()) return key;
  ARENA_RETURN_IF_ERROR(budget.Charge(key.text().size()));
  return Value::String(WithCase(key.text(), LetterCase::kLower));
}

using Keyed = std::pair<Value, Value>;  // a key and an element

// Stable, by keys; an error where two keys cannot be compared.
Status SortByKey(std::vector<Keyed>& items, bool is_reversed, Budget& budget) {
  if (items.empty()) return {};
  Status problem;
  const auto less = [&](const Keyed& a, const Keyed& b) {
    if (!problem.ok()) return false;
    const auto result =
        is_reversed ? IsLess(b.first, a.first, budget) : IsLess(a.first, b.first, budget);
    if (!result.ok()) problem = result.error();
    return result.ok() && *result;
  };
  // Numbers and strings only, each alone: anything else is no order, which sorting must not see.
  for (const Keyed& item : items) {
    const bool same_kind = item.first.IsString() == items.front().first.IsString();
    if (!same_kind || (!item.first.IsString() && !item.first.IsNumber())) {
      return InvalidInput("what is sorted is neither all numbers nor all strings");
    }
    if (item.first.IsFloat() && item.first.float_value() != item.first.float_value()) {
      return InvalidInput("what is sorted holds a value that is no number");
    }
  }
  ARENA_RETURN_IF_ERROR(budget.Charge(kStepCost * items.size()));
  std::stable_sort(items.begin(), items.end(), less);
  return problem;
}

Result<Value> Extreme(std::string_view name, bool is_max, const Value& input,
                      const CallArguments& arguments, Budget& budget) {
  ARENA_ASSIGN_OR_RETURN(const auto bound, Bind(name, arguments, {"case_sensitive", "attribute"}));
  ARENA_ASSIGN_OR_RETURN(const std::vector<Value> items, ToItems(input, budget));
  std::vector<Keyed> keyed;
  for (const Value& item : items) {
    ARENA_ASSIGN_OR_RETURN(Value key, SortKey(item, bound[1], bound[0].IsTrue(), budget));
    keyed.emplace_back(std::move(key), item);
  }
  ARENA_RETURN_IF_ERROR(SortByKey(keyed, is_max, budget));
  if (keyed.empty()) return Value::MakeUndefined("the element of an empty list");
  return keyed.front().second;
}

}  // namespace

Result<Value> JoinFilter(const Value& input, const CallArguments& arguments, Budget& budget) {
  ARENA_ASSIGN_OR_RETURN(const auto bound, Bind("join", arguments, {"d", "attribute"}));
  ARENA_ASSIGN_OR_RETURN(const MarkedText separator, ToText(bound[0], budget));
  ARENA_ASSIGN_OR_RETURN(const std::vector<Value> items, ToItems(input, budget));
  MarkedText joined;
  bool is_first = true;
  for (const Value& item : items) {
    ARENA_ASSIGN_OR_RETURN(const Value part, AttributeOf(item, bound[1], budget));
    ARENA_ASSIGN_OR_RETURN(const MarkedText text, ToText(part, budget));
    ARENA_RETURN_IF_ERROR(budget.Charge(separator.size() + text.size()));
    if (!is_first) joined.Append(separator);
    joined.Append(text);
    is_first = false;
  }
  return Value::String(std::move(joined));
}

Result<Value> FirstFilter(const Value& input, const CallArguments& arguments, Budget& budget) {
  ARENA_RETURN_IF_ERROR(Bind("first", arguments, {}));
  ARENA_ASSIGN_OR_RETURN(const std::vector<Value> items, ToItems(input, budget));
  if (items.empty()) return Value::MakeUndefined("the first element of an empty list");
  return items.front();
}

Result<Value> LastFilter(const Value& input, const CallArguments& arguments, Budget& budget) {
  ARENA_RETURN_IF_ERROR(Bind("last", arguments, {}));
  ARENA_ASSIGN_OR_RETURN(const std::vector<Value> items, ToItems(input, budget));
  if (items.empty()) return Value::MakeUndefined("the last element of an empty list");
  return items.back();
}

Result<Value> ListFilter(const Value& input, const CallArguments& arguments, Budget& budget) {
  ARENA_RETURN_IF_ERROR(Bind("list", arguments, {}));
  ARENA_ASSIGN_OR_RETURN(std::vector<Value> items, ToItems(input, budget));
  return Value::List(std::move(items));
}

Result<Value> ReverseFilter(const Value& input, const CallArguments& arguments, Budget& budget) {
  ARENA_RETURN_IF_ERROR(Bind("reverse", arguments, {}));
  if (input.IsString()) return GetSlice(input, Value(), Value(), Value::Int(-1), budget);
  ARENA_ASSIGN_OR_RETURN(std::vector<Value> items, ToItems(input, budget));
  std::reverse(items.begin(), items.end());
  return Value::List(std::move(items));
}

Result<Value> SortFilter(const Value& input, const CallArguments& arguments, Budget& budget) {
  ARENA_ASSIGN_OR_RETURN(const auto bound,
                         Bind("sort", arguments, {"reverse", "case_sensitive", "attribute"}));
  ARENA_ASSIGN_OR_RETURN(const std::vector<Value> items, ToItems(input, budget));
  std::vector<Keyed> keyed;
  for (const Value& item : items) {
    ARENA_ASSIGN_OR_RETURN(Value key, SortKey(item, bound[2], bound[1].IsTrue(), budget));
    keyed.emplace_back(std::move(key), item);
  }
  ARENA_RETURN_IF_ERROR(SortByKey(keyed, bound[0].IsTrue(), budget));
  std::vector<Value> sorted;
  for (Keyed& item : keyed) sorted.push_back(std::move(item.second));
  return Value::List(std::move(sorted));
}

Result<Value> DictSortFilter(const Value& input, const CallArguments& arguments, Budget& budget) {
  ARENA_RETURN_IF_ERROR(Bind("dictsort", arguments, {}));
  ARENA_ASSIGN_OR_RETURN(const Value items, ItemsOf(input, budget));
  CallArguments by_key;
  by_key.named.emplace_back("attribute", Value::Int(0));
  return SortFilter(items, by_key, budget);
}

Result<Value> UniqueFilter(const Value& input, const CallArguments& arguments, Budget& budget) {
  ARENA_ASSIGN_OR_RETURN(const auto bound,
                         Bind("unique", arguments, {"case_sensitive", "attribute"}));
  ARENA_ASSIGN_OR_RETURN(const std::vector<Value> items, ToItems(input, budget));
  std::vector<Value> keys, kept;
  for (const Value& item : items) {
    ARENA_ASSIGN_OR_RETURN(Value key, SortKey(item, bound[1], bound[0].IsTrue(), budget));
    const bool is_known = std::any_of(
        keys.begin(), keys.end(), [&](const Value& other) { return Equals(key, other, budget); });
    ARENA_RETURN_IF_ERROR(budget.Check());
    if (is_known) continue;
    keys.push_back(std::move(key));
    kept.push_back(item);
  }
  return Value::List(std::move(kept));
}

Result<Value> SumFilter(const Value& input, const CallArguments& arguments, Budget& budget) {
  ARENA_ASSIGN_OR_RETURN(const auto bound, Bind("sum", arguments, {"attribute", "start"}));
  ARENA_ASSIGN_OR_RETURN(const std::vector<Value> items, ToItems(input, budget));
  Value sum = bound[1].IsUndefined() ? Value::Int(0) : bound[1];
  for (const Value& item : items) {
    ARENA_ASSIGN_OR_RETURN(const Value part, AttributeOf(item, bound[0], budget));
    ARENA_ASSIGN_OR_RETURN(sum, ApplyBinary(BinaryOperator::kAdd, sum, part, budget));
  }
  return sum;
}

Result<Value> MinFilter(const Value& input, const CallArguments& arguments, Budget& budget) {
  return Extreme("min", false, input, arguments, budget);
}

Result<Value> MaxFilter(const Value& input, const CallArguments& arguments, Budget& budget) {
  return Extreme("max", true, input, arguments, budget);
}

Result<Value> MapFilter(const Value& input, const CallArguments& arguments, Budget& budget) {
  const bool by_attribute = arguments.positional.empty();
  std::vector<Value> bound;
  std::string_view filter;
  if (by_attribute) {
    ARENA_ASSIGN_OR_RETURN(bound, Bind("map", arguments, {"attribute", "default"}));
    if (bound[0].IsUndefined()) return InvalidInput("'map' needs a filter or an attribute");
  } else {
    ARENA_ASSIGN_OR_RETURN(const MarkedText* name, NeedText("map", arguments.positional[0]));
    if (name->bytes() == "map") return InvalidInput("'map' of 'map' is not supported");
    filter = name->bytes();
  }
  const CallArguments rest = From(arguments, 1);
  ARENA_ASSIGN_OR_RETURN(const std::vector<Value> items, ToItems(input, budget));
  std::vector<Value> mapped;
  for (const Value& item : items) {
    ARENA_RETURN_IF_ERROR(budget.Charge(kStepCost));
    Value value;
    if (by_attribute) {
      ARENA_ASSIGN_OR_RETURN(value, AttributeOf(item, bound[0], budget));
      if (value.IsUndefined() && !bound[1].IsUndefined()) value = bound[1];
    } else {
      ARENA_ASSIGN_OR_RETURN(value, ApplyFilter(filter, item, rest, budget));
    }
    mapped.push_back(std::move(value));
  }
  return Value::List(std::move(mapped));
}

Result<Value> SelectFilter(const Value& input, const CallArguments& arguments, Budget& budget) {
  return Select({"select", false, true}, input, arguments, budget);
}

Result<Value> RejectFilter(const Value& input, const CallArguments& arguments, Budget& budget) {
  return Select({"reject", false, false}, input, arguments, budget);
}

Result<Value> SelectAttributeFilter(const Value& input, const CallArguments& arguments,
                                    Budget& budget) {
  return Select({"selectattr", true, true}, input, arguments, budget);
}

Result<Value> RejectAttributeFilter(const Value& input, const CallArguments& arguments,
                                    Budget& budget) {
  return Select({"rejectattr", true, false}, input, arguments, budget);
}

}  // namespace arena::jinja
