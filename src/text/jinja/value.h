// The values that a template computes with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "text/jinja/budget.h"
#include "text/jinja/marked_text.h"

namespace arena::jinja {

struct MacroStatement;
class Value;

/// What has no value: a variable, a member or an element that does not exist.
struct Undefined {
  std::string what;  ///< for messages: "'tools'"
};
struct None {};

/// A function of the environment by its name, or a macro of the template.
struct Function {
  std::string_view name;
  const MacroStatement* macro = nullptr;  ///< null: a function of the environment
};

struct ListData;
struct DictData;
struct Namespace;

/// Immutable but for namespaces; copies are cheap and share their content. Not thread-safe together
/// with a namespace, which belongs to one rendering and must not outlive it.
class Value {
 public:
  Value() = default;
  static Value MakeUndefined(std::string what) { return Value(Undefined{std::move(what)}); }
  static Value MakeNone() { return Value(None{}); }
  static Value Bool(bool value) { return Value(value); }
  static Value Int(std::int64_t value) { return Value(value); }
  static Value Float(double value) { return Value(value); }
  static Value String(MarkedText text) {
    return Value(std::make_shared<const MarkedText>(std::move(text)));
  }
  static Value Trusted(std::string_view text) {
    return String(MarkedText(std::string(text), true));
  }
  /// Fail where lists and dictionaries nest too deeply to be walked safely.
  static Result<Value> List(std::vector<Value> items);
  static Result<Value> Dict(std::vector<std::pair<MarkedText, Value>> items);
  static Value MakeNamespace(Namespace* space) { return Value(space); }
  static Value MakeFunction(Function function) { return Value(function); }

  bool IsUndefined() const { return Holds<Undefined>(); }
  bool IsNone() const { return Holds<None>(); }
  bool IsBool() const { return Holds<bool>(); }
  bool IsInt() const { return Holds<std::int64_t>(); }
  bool IsFloat() const { return Holds<double>(); }
  bool IsNumber() const { return IsInt() || IsFloat() || IsBool(); }
  bool IsString() const { return Holds<TextPtr>(); }
  bool IsList() const { return Holds<ListPtr>(); }
  bool IsDict() const { return Holds<DictPtr>(); }
  bool IsNamespace() const { return Holds<Namespace*>(); }
  bool IsFunction() const { return Holds<Function>(); }

  // Each demands that the value is of its kind.
  const std::string& undefined_what() const { return std::get<Undefined>(data_).what; }
  const MarkedText& text() const { return *std::get<TextPtr>(data_); }
  const std::vector<Value>& items() const;
  const std::vector<std::pair<MarkedText, Value>>& members() const;
  Namespace& space() const { return *std::get<Namespace*>(data_); }
  const Function& function() const { return std::get<Function>(data_); }
  double float_value() const { return std::get<double>(data_); }
  /// Of an integer, or of a boolean as 0 or 1.
  std::int64_t int_value() const;
  /// Of any number.
  double number() const;

  /// As `if` sees it: empty, zero, none and undefined are false.
  bool IsTrue() const;
  /// For messages: "a string".
  std::string_view KindName() const;
  /// The member of a dictionary or a namespace; null: none, or the value is neither.
  const Value* FindMember(std::string_view name) const;
  /// How deeply lists and dictionaries are nested in it; 0: it is neither.
  int depth() const;

 private:
  using TextPtr = std::shared_ptr<const MarkedText>;
  using ListPtr = std::shared_ptr<const ListData>;
  using DictPtr = std::shared_ptr<const DictData>;
  using Data = std::variant<Undefined, None, bool, std::int64_t, double, TextPtr, ListPtr, DictPtr,
                            Namespace*, Function>;

  explicit Value(Data data) : data_(std::move(data)) {}
  template <typename T>
  bool Holds() const {
    return std::holds_alternative<T>(data_);
  }

  Data data_;
};

/// What `namespace(...)` makes: members that a `set` can change from within a loop.
struct Namespace {
  std::map<std::string, Value, std::less<>> members;
};

/// Equality as Python has it: numbers by value, true equals 1, texts by bytes. Once the budget is
/// exhausted the answer means nothing.
bool Equals(const Value& a, const Value& b, Budget& budget);

/// As Python's str() writes it: 1.0, 1e+16.
std::string FloatText(double value);

}  // namespace arena::jinja
