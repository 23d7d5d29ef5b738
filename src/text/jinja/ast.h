// The parsed template.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "text/jinja/value.h"

namespace arena::jinja {

struct Expression;
using ExpressionPtr = std::unique_ptr<const Expression>;

struct Arguments {
  std::vector<ExpressionPtr> positional;
  std::vector<std::pair<std::string, ExpressionPtr>> named;
};

struct LiteralNode {
  Value value;
};
struct NameNode {
  std::string name;
};
struct ListNode {
  std::vector<ExpressionPtr> items;
};
struct DictNode {
  std::vector<std::pair<ExpressionPtr, ExpressionPtr>> members;
};
/// `loop.NAME`: the loop itself is no value.
struct LoopNode {
  std::string name;
};
struct MemberNode {
  ExpressionPtr object;
  std::string name;
};
struct IndexNode {
  ExpressionPtr object, index;
};
struct SliceNode {
  ExpressionPtr object;
  ExpressionPtr start, stop, step;  ///< null: left out
};
struct CallNode {
  ExpressionPtr callee;
  Arguments arguments;
};
struct FilterNode {
  ExpressionPtr input;  ///< null: the block that the filter is applied to
  std::string name;
  Arguments arguments;
};
struct TestNode {
  ExpressionPtr input;
  std::string name;
  Arguments arguments;
  bool is_negated = false;
};

enum class UnaryOperator { kNot, kMinus, kPlus };
struct UnaryNode {
  UnaryOperator op = UnaryOperator::kNot;
  ExpressionPtr operand;
};

enum class BinaryOperator {
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kFloorDivide,
  kModulo,
  kConcatenate,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn,
  kNotIn,
  kAnd,
  kOr,
};
struct BinaryNode {
  BinaryOperator op = BinaryOperator::kAdd;
  ExpressionPtr left, right;
};
struct ConditionalNode {
  ExpressionPtr condition, then;
  ExpressionPtr otherwise;  ///< null: undefined
};

/// Nodes are nested at most kMaxNesting deep (parser.h), so walking and destroying them is safe.
struct Expression {
  std::variant<LiteralNode, NameNode, ListNode, DictNode, LoopNode, MemberNode, IndexNode,
               SliceNode, CallNode, FilterNode, TestNode, UnaryNode, BinaryNode, ConditionalNode>
      node;
  int line = 1;
  int depth = 1;  ///< of this tree
};

struct Statement;
using Body = std::vector<Statement>;

struct TextStatement {
  MarkedText text;
};
struct OutputStatement {
  ExpressionPtr value;
};
struct IfStatement {
  std::vector<std::pair<ExpressionPtr, Body>> branches;
  Body otherwise;
};
/// What is assigned to: one name, several that take a list apart, or the member of a namespace.
struct Target {
  std::vector<std::string> names;
  std::string member;  ///< not empty: of the namespace names[0]
};
struct ForStatement {
  Target target;
  ExpressionPtr items;
  ExpressionPtr condition;  ///< null: all items
  Body body;
  Body otherwise;  ///< where there is no item
};
struct SetStatement {
  Target target;
  ExpressionPtr value;
};
struct SetBlockStatement {
  Target target;
  std::vector<FilterNode> filters;
  Body body;
};
struct MacroStatement {
  std::string name;
  std::vector<std::pair<std::string, ExpressionPtr>> parameters;  ///< with default, or null
  Body body;
};
struct FilterStatement {
  std::vector<FilterNode> filters;
  Body body;
};
enum class LoopControl { kBreak, kContinue };

struct Statement {
  std::variant<TextStatement, OutputStatement, IfStatement, ForStatement, SetStatement,
               SetBlockStatement, MacroStatement, FilterStatement, LoopControl>
      node;
  int line = 1;
};

}  // namespace arena::jinja
