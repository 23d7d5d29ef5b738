#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>

#include "text/jinja/interpreter.h"

namespace arena::jinja {
namespace {

constexpr std::string_view kStrftime = "strftime_now";

// One conversion of strftime, in the C locale, of a time in UTC. `code` has a '-' first where no
// padding is wanted.
Result<std::string> FormatPart(std::string_view code, const std::tm& time) {
  constexpr std::string_view kKnown = "aAbBdHIjmMpSwyYZ";
  const char letter = code.back();
  if (kKnown.find(letter) == std::string_view::npos) {
    return InvalidInput(fmt::format("'{}' does not support %{}", kStrftime, code));
  }
  const char format[] = {'%', letter, '\0'};
  std::array<char, 64> buffer;
  std::string text(buffer.data(), std::strftime(buffer.data(), buffer.size(), format, &time));
  if (code.front() == '-') {
    text.erase(0, std::min(text.find_first_not_of('0'), text.size() - (text.empty() ? 0 : 1)));
  }
  return text;
}

}  // namespace

bool IsFunctionName(std::string_view name, const Environment& environment) {
  if (name == kStrftime) return environment.now.has_value();
  return name == "raise_exception" || name == "namespace" || name == "range" || name == "dict";
}

Result<Value> Interpreter::CallFunction(std::string_view name, const CallArguments& arguments) {
  if (name == "namespace") return MakeNamespaceValue(arguments);
  if (name == "range") return MakeRange(arguments);
  if (name == "dict") return MakeDict(arguments);
  if (name == kStrftime) return NowText(arguments);
  ARENA_ASSIGN_OR_RETURN(const auto bound, Bind(name, arguments, {"message"}));
  ARENA_ASSIGN_OR_RETURN(const MarkedText* message, NeedText(name, bound[0]));
  constexpr std::size_t kMaxShown = 1000;
  return InvalidInput(fmt::format("the template refuses this conversation: {}",
                                  message->bytes().substr(0, kMaxShown)));
}

// Parameters are bound by place, then by name, then by their defaults, which may use those before.
Result<Value> Interpreter::CallMacro(const MacroStatement& macro, const CallArguments& arguments) {
  if (arguments.positional.size() > macro.parameters.size()) {
    return InvalidInput(fmt::format("the macro '{}' takes at most {} arguments", macro.name,
                                    macro.parameters.size()));
  }
  Scope scope{&globals_};
  for (const auto& [name, value] : arguments.named) {
    const bool is_known =
        std::any_of(macro.parameters.begin(), macro.parameters.end(),
                    [&name = name](const auto& parameter) { return parameter.first == name; });
    if (!is_known) {
      return InvalidInput(fmt::format("the macro '{}' has no parameter '{}'", macro.name, name));
    }
    scope.names[name] = value;
  }
  Scope* const caller = std::exchange(scope_, &scope);
  auto text = [&]() -> Result<MarkedText> {
    for (std::size_t i = 0; i < macro.parameters.size(); ++i) {
      const auto& [name, otherwise] = macro.parameters[i];
      if (i < arguments.positional.size()) {
        scope.names[name] = arguments.positional[i];
      } else if (!scope.names.contains(name)) {
        ARENA_ASSIGN_OR_RETURN(Value value, EvaluateOr(otherwise));
        scope.names[name] = std::move(value);
      }
    }
    Flow flow = Flow::kNext;
    return Capture(macro.body, flow);
  }();
  scope_ = caller;
  if (!text.ok()) return text.error();
  return Value::String(std::move(*text));
}

Result<Value> Interpreter::MakeNamespaceValue(const CallArguments& arguments) {
  Namespace space;
  if (arguments.positional.size() > 1 ||
      (arguments.positional.size() == 1 && !arguments.positional[0].IsDict())) {
    return InvalidInput("'namespace' takes one dictionary and named arguments");
  }
  if (!arguments.positional.empty()) {
    for (const auto& [key, value] : arguments.positional[0].members()) {
      ARENA_RETURN_IF_ERROR(budget_.Charge(kElementCost + key.size()));
      space.members[key.bytes()] = value;
    }
  }
  for (const auto& [name, value] : arguments.named) space.members[std::string(name)] = value;
  ARENA_RETURN_IF_ERROR(budget_.Charge(kElementCost * (1 + arguments.named.size())));
  return Value::MakeNamespace(&namespaces_.emplace_back(std::move(space)));
}

Result<Value> Interpreter::MakeRange(const CallArguments& arguments) {
  ARENA_ASSIGN_OR_RETURN(const auto bound, Bind("range", arguments, {"start", "stop", "step"}));
  const bool is_count = arguments.positional.size() == 1;
  ARENA_ASSIGN_OR_RETURN(const std::int64_t first, NeedInt("range", bound[0], 0));
  ARENA_ASSIGN_OR_RETURN(const std::int64_t second, NeedInt("range", bound[1], 0));
  ARENA_ASSIGN_OR_RETURN(const std::int64_t step, NeedInt("range", bound[2], 1));
  if (step == 0) return InvalidInput("the step of 'range' is zero");
  const std::int64_t stop = is_count ? first : second;
  std::vector<Value> items;
  for (std::int64_t i = is_count ? 0 : first; step > 0 ? i < stop : i > stop;) {
    ARENA_RETURN_IF_ERROR(budget_.Charge(kStepCost));
    items.push_back(Value::Int(i));
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  return Value::List(std::move(items));
}

Result<Value> Interpreter::MakeDict(const CallArguments& arguments) {
  if (!arguments.positional.empty()) return InvalidInput("'dict' takes named arguments only");
  std::vector<std::pair<MarkedText, Value>> members;
  for (const auto& [name, value] : arguments.named) {
    members.emplace_back(MarkedText(std::string(name), true), value);
  }
  return Value::Dict(std::move(members));
}

Result<Value> Interpreter::NowText(const CallArguments& arguments) {
  ARENA_ASSIGN_OR_RETURN(const auto bound, Bind(kStrftime, arguments, {"format"}));
  ARENA_ASSIGN_OR_RETURN(const MarkedText* format, NeedText(kStrftime, bound[0]));
  const std::time_t seconds = std::chrono::system_clock::to_time_t(*environment_.now);
  std::tm time = {};
  ::gmtime_r(&seconds, &time);
  const std::string_view codes = format->bytes();
  std::string text;
  for (std::size_t i = 0; i < codes.size(); ++i) {
    ARENA_RETURN_IF_ERROR(budget_.Charge(kStepCost));
    if (codes[i] != '%' || codes.substr(i, 2) == "%%") {
      text += codes[i];
      i += codes[i] == '%' ? 1 : 0;
      continue;
    }
    const std::size_t size = codes.substr(i + 1, 1) == "-" ? 2 : 1;
    if (i + size >= codes.size()) return InvalidInput("a format of dates ends within a %");
    ARENA_ASSIGN_OR_RETURN(const std::string part, FormatPart(codes.substr(i + 1, size), time));
    text += part;
    i += size;
  }
  return Value::String(MarkedText(std::move(text), format->IsAllTrusted()));
}

}  // namespace arena::jinja
