#include "text/jinja/filters.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <utility>

#include "text/jinja/list_filters.h"
#include "text/jinja/methods.h"
#include "text/jinja/operators.h"
#include "text/jinja/strings.h"
#include "text/jinja/to_json.h"

namespace arena::jinja {
namespace {

// A filter on text works on what the value prints as.
Result<Value> AsTextMethod(std::string_view name, const Value& input,
                           const CallArguments& arguments, Budget& budget) {
  ARENA_ASSIGN_OR_RETURN(MarkedText text, ToText(input, budget));
  return CallMethod(Value::String(std::move(text)), name, arguments, budget);
}

Result<Value> Trim(const Value& input, const CallArguments& arguments, Budget& budget) {
  return AsTextMethod("strip", input, arguments, budget);
}
Result<Value> Upper(const Value& input, const CallArguments& arguments, Budget& budget) {
  return AsTextMethod("upper", input, arguments, budget);
}
Result<Value> Lower(const Value& input, const CallArguments& arguments, Budget& budget) {
  return AsTextMethod("lower", input, arguments, budget);
}
Result<Value> Title(const Value& input, const CallArguments& arguments, Budget& budget) {
  return AsTextMethod("title", input, arguments, budget);
}
Result<Value> Capitalize(const Value& input, const CallArguments& arguments, Budget& budget) {
  return AsTextMethod("capitalize", input, arguments, budget);
}

Result<Value> Default(const Value& input, const CallArguments& arguments, Budget&) {
  ARENA_ASSIGN_OR_RETURN(const auto bound,
                         Bind("default", arguments, {"default_value", "boolean"}));
  const bool replaces = input.IsUndefined() || (bound[1].IsTrue() && !input.IsTrue());
  if (!replaces) return input;
  return bound[0].IsUndefined() ? Value::Trusted("") : bound[0];
}

Result<Value> Length(const Value& input, const CallArguments& arguments, Budget& budget) {
  ARENA_RETURN_IF_ERROR(Bind("length", arguments, {}));
  ARENA_ASSIGN_OR_RETURN(const std::size_t length, LengthOf(input, budget));
  return Value::Int(static_cast<std::int64_t>(length));
}

Result<Value> String(const Value& input, const CallArguments& arguments, Budget& budget) {
  ARENA_RETURN_IF_ERROR(Bind("string", arguments, {}));
  ARENA_ASSIGN_OR_RETURN(MarkedText text, ToText(input, budget));
  return Value::String(std::move(text));
}

Result<Value> Items(const Value& input, const CallArguments& arguments, Budget& budget) {
  ARENA_RETURN_IF_ERROR(Bind("items", arguments, {}));
  return ItemsOf(input, budget);
}

// What is no number is the default, as Jinja has it.
Result<Value> Int(const Value& input, const CallArguments& arguments, Budget&) {
  ARENA_ASSIGN_OR_RETURN(const auto bound, Bind("int", arguments, {"default"}));
  const Value otherwise = bound[0].IsUndefined() ? Value::Int(0) : bound[0];
  if (input.IsInt() || input.IsBool()) return Value::Int(input.int_value());
  constexpr double kLimit = 9.2e18;  // below 2^63
  if (input.IsFloat()) {
    const double number = input.float_value();
    if (!(number > -kLimit && number < kLimit)) return otherwise;
    return Value::Int(static_cast<std::int64_t>(number));
  }
  if (!input.IsString()) return otherwise;
  const MarkedText stripped = Strip(input.text(), std::nullopt, Side::kBoth);
  const std::string& digits = stripped.bytes();
  std::int64_t value = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool is_whole = parsed.ec == std::errc() && parsed.ptr == digits.data() + digits.size();
  return is_whole ? Value::Int(value) : otherwise;
}

Result<Value> Abs(const Value& input, const CallArguments& arguments, Budget& budget) {
  ARENA_RETURN_IF_ERROR(Bind("abs", arguments, {}));
  ARENA_ASSIGN_OR_RETURN(Value negated, ApplySign(UnaryOperator::kMinus, input));
  ARENA_ASSIGN_OR_RETURN(const bool is_negative, IsLess(input, Value::Int(0), budget));
  return is_negative ? negated : input;
}

Result<Value> Safe(const Value& input, const CallArguments& arguments, Budget&) {
  ARENA_RETURN_IF_ERROR(Bind("safe", arguments, {}));
  return input;
}

// Every line but the first is moved in; `first` and `blank` ask for the first and for empty ones.
Result<Value> Indent(const Value& input, const CallArguments& arguments, Budget& budget) {
  constexpr std::int64_t kMaxWidth = 256;
  ARENA_ASSIGN_OR_RETURN(const auto bound, Bind("indent", arguments, {"width", "first", "blank"}));
  MarkedText margin;
  if (bound[0].IsString()) {
    margin = bound[0].text();
  } else {
    ARENA_ASSIGN_OR_RETURN(const std::int64_t width, NeedInt("indent", bound[0], 4));
    if (width < 0 || width > kMaxWidth) return InvalidInput("the width of 'indent' is too large");
    margin = MarkedText(std::string(static_cast<std::size_t>(width), ' '), true);
  }
  ARENA_ASSIGN_OR_RETURN(const MarkedText text, ToText(input, budget));
  MarkedText result;
  std::size_t index = 0;
  for (const MarkedText& line : Split(text, "\n", -1, budget)) {
    ARENA_RETURN_IF_ERROR(budget.Charge(line.size() + margin.size()));
    if (index > 0) result.Append("\n", true);
    const bool is_moved = index == 0 ? bound[1].IsTrue() : !line.empty() || bound[2].IsTrue();
    if (is_moved) result.Append(margin);
    result.Append(line);
    ++index;
  }
  return Value::String(std::move(result));
}

Result<Value> ReplaceFilter(const Value& input, const CallArguments& arguments, Budget& budget) {
  ARENA_ASSIGN_OR_RETURN(const auto bound, Bind("replace", arguments, {"old", "new", "count"}));
  ARENA_ASSIGN_OR_RETURN(const MarkedText text, ToText(input, budget));
  return ReplaceText(text, bound[0], bound[1], bound[2], budget);
}

using Filter = Result<Value> (*)(const Value& input, const CallArguments& arguments,
                                 Budget& budget);

struct NamedFilter {
  std::string_view name;
  Filter filter;
};

constexpr std::array<NamedFilter, 33> kFilters = {{
    {"trim", Trim},
    {"upper", Upper},
    {"lower", Lower},
    {"title", Title},
    {"capitalize", Capitalize},
    {"replace", ReplaceFilter},
    {"indent", Indent},
    {"default", Default},
    {"d", Default},
    {"length", Length},
    {"count", Length},
    {"string", String},
    {"safe", Safe},
    {"int", Int},
    {"abs", Abs},
    {"items", Items},
    {"tojson", ToJson},
    {"join", JoinFilter},
    {"first", FirstFilter},
    {"last", LastFilter},
    {"list", ListFilter},
    {"reverse", ReverseFilter},
    {"sort", SortFilter},
    {"dictsort", DictSortFilter},
    {"unique", UniqueFilter},
    {"sum", SumFilter},
    {"map", MapFilter},
    {"select", SelectFilter},
    {"reject", RejectFilter},
    {"selectattr", SelectAttributeFilter},
    {"rejectattr", RejectAttributeFilter},
    {"min", MinFilter},
    {"max", MaxFilter},
}};

}  // namespace

Result<Value> ApplyFilter(std::string_view name, const Value& input, const CallArguments& arguments,
                          Budget& budget) {
  const auto* found = std::find_if(kFilters.begin(), kFilters.end(),
                                   [name](const NamedFilter& f) { return f.name == name; });
  if (found == kFilters.end()) {
    return InvalidInput(fmt::format("the filter '{}' is not supported", name));
  }
  return found->filter(input, arguments, budget);
}

}  // namespace arena::jinja
