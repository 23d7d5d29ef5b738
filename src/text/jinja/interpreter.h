// Renders a parsed template.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "text/jinja/arguments.h"
#include "text/jinja/ast.h"
#include "text/jinja/budget.h"
#include "text/jinja/value.h"

namespace arena::jinja {

/// Evaluations within each other, macros included: what a stack has room for, sanitizers too.
inline constexpr int kMaxEvaluationDepth = 500;

/// What a template sees and how much it may do.
struct Environment {
  std::map<std::string, Value> variables;
  /// What `strftime_now` tells, in UTC; none: the function is not defined.
  std::optional<std::chrono::system_clock::time_point> now;
  std::size_t max_work = std::size_t{256} << 20;         ///< units of budget.h
  std::size_t max_output_bytes = std::size_t{64} << 20;  ///< of the rendered text
};

/// One rendering. Not thread-safe; the body and the environment must outlive it.
class Interpreter {
 public:
  explicit Interpreter(const Environment& environment)
      : environment_(environment), budget_(environment.max_work) {}

  /// The text of `body`. Errors say "NAME:LINE: ..."; call it once.
  Result<MarkedText> Render(const Body& body, std::string_view name);

 private:
  struct Loop {
    const std::vector<Value>* items = nullptr;
    std::size_t index = 0;
  };
  struct Scope {
    Scope* parent = nullptr;
    const Loop* loop = nullptr;
    std::unordered_map<std::string_view, Value> names = {};
  };
  enum class Flow { kNext, kBreak, kContinue };

  // Statements: interpreter.cpp.
  Result<Flow> ExecuteBody(const Body& body);
  Result<Flow> Execute(const Statement& statement);
  Result<Flow> Run(const TextStatement& statement);
  Result<Flow> Run(const OutputStatement& statement);
  Result<Flow> Run(const IfStatement& statement);
  Result<Flow> Run(const ForStatement& statement);
  Result<Flow> Run(const SetStatement& statement);
  Result<Flow> Run(const SetBlockStatement& statement);
  Result<Flow> Run(const MacroStatement& statement);
  Result<Flow> Run(const FilterStatement& statement);
  Result<Flow> Run(const LoopControl& control);
  Result<std::vector<Value>> LoopItems(const ForStatement& statement);
  Status Assign(const Target& target, Value value);
  Status Write(const MarkedText& text);
  /// What `body` writes, and how it ended.
  Result<MarkedText> Capture(const Body& body, Flow& flow);
  Result<Value> Filtered(MarkedText text, const std::vector<FilterNode>& filters);

  // Expressions: interpreter_expressions.cpp.
  Result<Value> Evaluate(const Expression& expression);
  Result<Value> EvaluateOr(const ExpressionPtr& expression);  // undefined where it is null
  Result<Value> Visit(const LiteralNode& node);
  Result<Value> Visit(const NameNode& node);
  Result<Value> Visit(const ListNode& node);
  Result<Value> Visit(const DictNode& node);
  Result<Value> Visit(const LoopNode& node);
  Result<Value> Visit(const MemberNode& node);
  Result<Value> Visit(const IndexNode& node);
  Result<Value> Visit(const SliceNode& node);
  Result<Value> Visit(const CallNode& node);
  Result<Value> Visit(const FilterNode& node);
  Result<Value> Visit(const TestNode& node);
  Result<Value> Visit(const UnaryNode& node);
  Result<Value> Visit(const BinaryNode& node);
  Result<Value> Visit(const ConditionalNode& node);
  Result<CallArguments> EvaluateArguments(const Arguments& arguments);
  Result<Value> LoopMember(const Loop& loop, std::string_view name);
  Value Look(std::string_view name) const;

  // Functions: interpreter_calls.cpp.
  Result<Value> CallFunction(std::string_view name, const CallArguments& arguments);
  Result<Value> CallMacro(const MacroStatement& macro, const CallArguments& arguments);
  Result<Value> MakeNamespaceValue(const CallArguments& arguments);
  Result<Value> MakeRange(const CallArguments& arguments);
  Result<Value> MakeDict(const CallArguments& arguments);
  Result<Value> NowText(const CallArguments& arguments);

  const Environment& environment_;
  Budget budget_;
  Scope globals_;
  Scope* scope_ = &globals_;
  MarkedText output_;
  std::deque<Namespace> namespaces_;
  int depth_ = 0;       // of nested evaluations, over macros too
  int error_line_ = 0;  // where the first error arose; 0: none yet
};

/// Whether the environment has a function of this name.
bool IsFunctionName(std::string_view name, const Environment& environment);

}  // namespace arena::jinja
