#include "text/jinja/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace arena::jinja {
namespace {

// Deep enough for any message; shallow enough for recursion, destructors included.
constexpr int kMaxValueDepth = 64;

Error TooDeep() {
  return InvalidInput(
      fmt::format("lists and dictionaries are nested more than {} deep", kMaxValueDepth));
}

bool EqualDicts(const Value& a, const Value& b, Budget& budget) {
  if (a.members().size() != b.members().size()) return false;
  return std::all_of(a.members().begin(), a.members().end(), [&](const auto& member) {
    if (!budget.Spend(b.members().size())) return false;
    const Value* other = b.FindMember(member.first.bytes());
    return other != nullptr && Equals(member.second, *other, budget);
  });
}

}  // namespace

struct ListData {
  std::vector<Value> items;
  int depth = 1;
};

struct DictData {
  std::vector<std::pair<MarkedText, Value>> members;
  int depth = 1;
};

Result<Value> Value::List(std::vector<Value> items) {
  auto data = std::make_shared<ListData>();
  data->items = std::move(items);
  for (const Value& item : data->items) data->depth = std::max(data->depth, item.depth() + 1);
  if (data->depth > kMaxValueDepth) return TooDeep();
  return Value(ListPtr(std::move(data)));
}

Result<Value> Value::Dict(std::vector<std::pair<MarkedText, Value>> items) {
  auto data = std::make_shared<DictData>();
  data->members = std::move(items);
  for (const auto& [key, value] : data->members) {
    data->depth = std::max(data->depth, value.depth() + 1);
  }
  if (data->depth > kMaxValueDepth) return TooDeep();
  return Value(DictPtr(std::move(data)));
}

const std::vector<Value>& Value::items() const { return std::get<ListPtr>(data_)->items; }

const std::vector<std::pair<MarkedText, Value>>& Value::members() const {
  return std::get<DictPtr>(data_)->members;
}

std::int64_t Value::int_value() const {
  if (IsBool()) return std::get<bool>(data_) ? 1 : 0;
  return std::get<std::int64_t>(data_);
}

double Value::number() const {
  return IsFloat() ? float_value() : static_cast<double>(int_value());
}

bool Value::IsTrue() const {
  if (IsUndefined() || IsNone()) return false;
  if (IsFloat()) return float_value() != 0;
  if (IsNumber()) return int_value() != 0;
  if (IsString()) return !text().empty();
  if (IsList()) return !items().empty();
  if (IsDict()) return !members().empty();
  return true;
}

std::string_view Value::KindName() const {
  static constexpr std::array<std::string_view, 10> kNames = {
      "undefined", "none",   "a boolean",    "an integer",  "a number",
      "a string",  "a list", "a dictionary", "a namespace", "a function"};
  return kNames[data_.index()];
}

const Value* Value::FindMember(std::string_view name) const {
  if (IsDict()) {
    for (const auto& [key, value] : members()) {
      if (key.bytes() == name) return &value;
    }
  } else if (IsNamespace()) {
    const auto found = space().members.find(name);
    if (found != space().members.end()) return &found->second;
  }
  return nullptr;
}

int Value::depth() const {
  if (IsList()) return std::get<ListPtr>(data_)->depth;
  if (IsDict()) return std::get<DictPtr>(data_)->depth;
  return 0;
}

bool Equals(const Value& a, const Value& b, Budget& budget) {
  if (!budget.Spend(1)) return false;
  if (a.IsNumber() && b.IsNumber()) {
    if (a.IsFloat() || b.IsFloat()) return a.number() == b.number();
    return a.int_value() == b.int_value();
  }
  if (a.IsString() && b.IsString()) {
    return a.text().size() == b.text().size() && budget.Spend(a.text().size()) &&
           a.text().bytes() == b.text().bytes();
  }
  if (a.IsList() && b.IsList()) {
    const auto same = [&](const Value& x, const Value& y) { return Equals(x, y, budget); };
    return a.items().size() == b.items().size() &&
           std::equal(a.items().begin(), a.items().end(), b.items().begin(), same);
  }
  if (a.IsDict() && b.IsDict()) return EqualDicts(a, b, budget);
  if (a.IsNamespace() && b.IsNamespace()) return &a.space() == &b.space();
  return (a.IsNone() && b.IsNone()) || (a.IsUndefined() && b.IsUndefined());
}

std::string FloatText(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

}  // namespace arena::jinja
