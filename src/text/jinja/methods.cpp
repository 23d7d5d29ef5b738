#include "text/jinja/methods.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>

#include "text/jinja/operators.h"
#include "text/jinja/strings.h"

namespace arena::jinja {
namespace {

Result<Value> ListOf(std::vector<MarkedText> texts) {
  std::vector<Value> items;
  items.reserve(texts.size());
  for (MarkedText& text : texts) items.push_back(Value::String(std::move(text)));
  return Value::List(std::move(items));
}

Result<Value> StripMethod(const MarkedText& text, std::string_view name,
                          const CallArguments& arguments, Budget& budget) {
  ARENA_ASSIGN_OR_RETURN(const auto bound, Bind(name, arguments, {"chars"}));
  std::optional<std::string_view> characters;
  if (!bound[0].IsUndefined() && !bound[0].IsNone()) {
    ARENA_ASSIGN_OR_RETURN(const MarkedText* set, NeedText(name, bound[0]));
    characters = set->bytes();
    ARENA_RETURN_IF_ERROR(budget.Charge(kStepCost * set->size()));
  }
  const Side side = name == "strip" ? Side::kBoth : name == "lstrip" ? Side::kLeft : Side::kRight;
  return Value::String(Strip(text, characters, side));
}

Result<Value> SplitMethod(const MarkedText& text, const CallArguments& arguments, Budget& budget) {
  ARENA_ASSIGN_OR_RETURN(const auto bound, Bind("split", arguments, {"sep", "maxsplit"}));
  ARENA_ASSIGN_OR_RETURN(const std::int64_t limit, NeedInt("maxsplit of split", bound[1], -1));
  std::vector<MarkedText> pieces;
  if (bound[0].IsUndefined() || bound[0].IsNone()) {
    if (limit >= 0) return InvalidInput("'split' with maxsplit needs a separator here");
    pieces = SplitWords(text, budget);
  } else {
    ARENA_ASSIGN_OR_RETURN(const MarkedText* separator, NeedText("split", bound[0]));
    if (separator->empty()) return InvalidInput("the separator of 'split' is empty");
    pieces = Split(text, separator->bytes(), limit, budget);
  }
  ARENA_RETURN_IF_ERROR(budget.Check());
  return ListOf(std::move(pieces));
}

// A string, or any of a list of strings.
Result<Value> AffixMethod(const MarkedText& text, std::string_view name,
                          const CallArguments& arguments, Budget& budget) {
  ARENA_ASSIGN_OR_RETURN(const auto bound, Bind(name, arguments, {"affix"}));
  const std::vector<Value> affixes =
      bound[0].IsList() ? bound[0].items() : std::vector<Value>{bound[0]};
  for (const Value& affix : affixes) {
    ARENA_ASSIGN_OR_RETURN(const MarkedText* wanted, NeedText(name, affix));
    ARENA_RETURN_IF_ERROR(budget.Charge(kStepCost + wanted->size()));
    const bool holds = name == "startswith" ? text.bytes().starts_with(wanted->bytes())
                                            : text.bytes().ends_with(wanted->bytes());
    if (holds) return Value::Bool(true);
  }
  return Value::Bool(false);
}

Result<Value> FindMethod(const MarkedText& text, std::string_view name,
                         const CallArguments& arguments, Budget& budget) {
  ARENA_ASSIGN_OR_RETURN(const auto bound, Bind(name, arguments, {"sub"}));
  ARENA_ASSIGN_OR_RETURN(const MarkedText* wanted, NeedText(name, bound[0]));
  if (name == "count") {
    if (wanted->empty()) return InvalidInput("'count' of an empty string");
    const auto pieces = Split(text, wanted->bytes(), -1, budget);
    ARENA_RETURN_IF_ERROR(budget.Check());
    return Value::Int(static_cast<std::int64_t>(pieces.size()) - 1);
  }
  const std::size_t at = Find(text.bytes(), wanted->bytes(), 0);
  if (at == std::string::npos) return Value::Int(-1);
  return Value::Int(
      static_cast<std::int64_t>(CountCharacters(std::string_view(text.bytes()).substr(0, at))));
}

std::optional<LetterCase> CaseOf(std::string_view name) {
  if (name == "upper") return LetterCase::kUpper;
  if (name == "lower") return LetterCase::kLower;
  if (name == "title") return LetterCase::kTitle;
  if (name == "capitalize") return LetterCase::kCapitalized;
  return std::nullopt;
}

Error UnknownMethod(std::string_view name, const Value& object) {
  return InvalidInput(
      fmt::format("the method '{}' of {} is not supported", name, object.KindName()));
}

Result<Value> StringMethod(const Value& object, std::string_view name,
                           const CallArguments& arguments, Budget& budget) {
  const MarkedText& text = object.text();
  ARENA_RETURN_IF_ERROR(budget.Charge(text.size()));
  if (name == "strip" || name == "lstrip" || name == "rstrip") {
    return StripMethod(text, name, arguments, budget);
  }
  if (name == "split") return SplitMethod(text, arguments, budget);
  if (name == "startswith" || name == "endswith") return AffixMethod(text, name, arguments, budget);
  if (name == "find" || name == "count") return FindMethod(text, name, arguments, budget);
  if (name == "replace") {
    ARENA_ASSIGN_OR_RETURN(const auto bound, Bind(name, arguments, {"old", "new", "count"}));
    return ReplaceText(text, bound[0], bound[1], bound[2], budget);
  }
  if (name == "splitlines") {
    ARENA_RETURN_IF_ERROR(Bind(name, arguments, {}));
    auto lines = SplitLines(text, budget);
    ARENA_RETURN_IF_ERROR(budget.Check());
    return ListOf(std::move(lines));
  }
  if (const auto letter_case = CaseOf(name)) {
    ARENA_RETURN_IF_ERROR(Bind(name, arguments, {}));
    const bool by_character = name == "title" || name == "capitalize";
    ARENA_RETURN_IF_ERROR(budget.Charge((by_character ? kStepCost : 8) * text.size()));
    return Value::String(WithCase(text, *letter_case));
  }
  return UnknownMethod(name, object);
}

Result<Value> DictMethod(const Value& object, std::string_view name, const CallArguments& arguments,
                         Budget& budget) {
  if (name == "get") {
    ARENA_ASSIGN_OR_RETURN(const auto bound, Bind(name, arguments, {"key", "default"}));
    ARENA_ASSIGN_OR_RETURN(const MarkedText* key, NeedText("get", bound[0]));
    ARENA_RETURN_IF_ERROR(budget.Charge(object.members().size()));
    if (const Value* member = object.FindMember(key->bytes())) return *member;
    return bound[1].IsUndefined() ? Value::MakeNone() : bound[1];
  }
  if (name != "items" && name != "keys" && name != "values") return UnknownMethod(name, object);
  ARENA_RETURN_IF_ERROR(Bind(name, arguments, {}));
  if (name == "items") return ItemsOf(object, budget);
  ARENA_RETURN_IF_ERROR(budget.Charge(kStepCost * object.members().size()));
  std::vector<Value> list;
  for (const auto& [key, value] : object.members()) {
    list.push_back(name == "keys" ? Value::String(key) : value);
  }
  return Value::List(std::move(list));
}

}  // namespace

Result<Value> CallMethod(const Value& object, std::string_view name, const CallArguments& arguments,
                         Budget& budget) {
  if (object.IsUndefined()) return UndefinedError(object);
  if (object.IsString()) return StringMethod(object, name, arguments, budget);
  if (object.IsDict()) return DictMethod(object, name, arguments, budget);
  return UnknownMethod(name, object);
}

Result<Value> ItemsOf(const Value& dict, Budget& budget) {
  if (dict.IsUndefined()) return Value::List({});
  if (!dict.IsDict()) {
    return InvalidInput(fmt::format("'items' needs a dictionary, not {}", dict.KindName()));
  }
  std::vector<Value> list;
  for (const auto& [key, value] : dict.members()) {
    ARENA_RETURN_IF_ERROR(budget.Charge(kElementCost + key.size()));
    ARENA_ASSIGN_OR_RETURN(Value pair, Value::List({Value::String(key), value}));
    list.push_back(std::move(pair));
  }
  return Value::List(std::move(list));
}

Result<Value> ReplaceText(const MarkedText& text, const Value& from, const Value& to,
                          const Value& count, Budget& budget) {
  ARENA_ASSIGN_OR_RETURN(const MarkedText* old_text, NeedText("replace", from));
  ARENA_ASSIGN_OR_RETURN(const MarkedText* new_text, NeedText("replace", to));
  ARENA_ASSIGN_OR_RETURN(const std::int64_t limit, NeedInt("count of replace", count, -1));
  if (old_text->empty()) return InvalidInput("'replace' of an empty string is not supported");
  auto replaced = Replace(text, old_text->bytes(), *new_text, limit, budget.left());
  if (!replaced) return budget.Charge(budget.left() + 1).error();
  ARENA_RETURN_IF_ERROR(budget.Charge(text.size() + replaced->size()));
  return Value::String(std::move(*replaced));
}

}  // namespace arena::jinja
