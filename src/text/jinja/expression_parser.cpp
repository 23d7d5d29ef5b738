#include "text/jinja/expression_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace arena::jinja {
namespace {

Error TooNested() {
  return InvalidInput(fmt::format("expressions are nested more than {} deep", kMaxNesting));
}

int Deepest(std::initializer_list<const ExpressionPtr*> children) {
  int depth = 0;
  for (const ExpressionPtr* child : children) {
    if (*child != nullptr) depth = std::max(depth, (*child)->depth);
  }
  return depth;
}
int Deepest(const Arguments& arguments) {
  int depth = 0;
  for (const auto& argument : arguments.positional) depth = std::max(depth, argument->depth);
  for (const auto& argument : arguments.named) depth = std::max(depth, argument.second->depth);
  return depth;
}

// The depth of what is below a node.
int DepthBelow(const LiteralNode&) { return 0; }
int DepthBelow(const NameNode&) { return 0; }
int DepthBelow(const LoopNode&) { return 0; }
int DepthBelow(const MemberNode& node) { return Deepest({&node.object}); }
int DepthBelow(const IndexNode& node) { return Deepest({&node.object, &node.index}); }
int DepthBelow(const SliceNode& node) {
  return Deepest({&node.object, &node.start, &node.stop, &node.step});
}
int DepthBelow(const CallNode& node) {
  return std::max(Deepest({&node.callee}), Deepest(node.arguments));
}
int DepthBelow(const FilterNode& node) {
  return std::max(Deepest({&node.input}), Deepest(node.arguments));
}
int DepthBelow(const TestNode& node) {
  return std::max(Deepest({&node.input}), Deepest(node.arguments));
}
int DepthBelow(const UnaryNode& node) { return Deepest({&node.operand}); }
int DepthBelow(const BinaryNode& node) { return Deepest({&node.left, &node.right}); }
int DepthBelow(const ConditionalNode& node) {
  return Deepest({&node.condition, &node.then, &node.otherwise});
}
int DepthBelow(const ListNode& node) {
  int depth = 0;
  for (const auto& item : node.items) depth = std::max(depth, item->depth);
  return depth;
}
int DepthBelow(const DictNode& node) {
  int depth = 0;
  for (const auto& [key, value] : node.members) depth = std::max(depth, Deepest({&key, &value}));
  return depth;
}

// Counts the calls that a call stands in.
class Nesting {
 public:
  explicit Nesting(int& count) : count_(count) { ++count_; }
  Nesting(const Nesting&) = delete;
  Nesting& operator=(const Nesting&) = delete;
  ~Nesting() { --count_; }
  bool IsTooDeep() const { return count_ > kMaxNesting; }

 private:
  int& count_;
};

}  // namespace

template <typename Node>
Result<ExpressionPtr> ExpressionParser::Make(Node node) {
  auto expression = std::make_unique<Expression>();
  expression->line = stream_.line();
  expression->depth = DepthBelow(node) + 1;
  expression->node = std::move(node);
  if (expression->depth > kMaxNesting) return TooNested();
  return ExpressionPtr(std::move(expression));
}

Result<ExpressionPtr> ExpressionParser::Parse() {
  const Nesting nesting(nesting_);
  if (nesting.IsTooDeep()) return TooNested();
  ARENA_ASSIGN_OR_RETURN(ExpressionPtr value, ParseOr());
  while (stream_.AcceptName("if")) {
    ConditionalNode node;
    node.then = std::move(value);
    ARENA_ASSIGN_OR_RETURN(node.condition, ParseOr());
    if (stream_.AcceptName("else")) {
      ARENA_ASSIGN_OR_RETURN(node.otherwise, Parse());
    }
    ARENA_ASSIGN_OR_RETURN(value, Make(std::move(node)));
  }
  return value;
}

Result<ExpressionPtr> ExpressionParser::ParseTuple() {
  ARENA_ASSIGN_OR_RETURN(ExpressionPtr first, Parse());
  if (!stream_.SeesOperator(",")) return first;
  ListNode list;
  list.items.push_back(std::move(first));
  while (stream_.AcceptOperator(",")) {
    if (stream_.SeesOperator(")") || stream_.Peek().kind == TokenKind::kBlockEnd) break;
    ARENA_ASSIGN_OR_RETURN(ExpressionPtr item, Parse());
    list.items.push_back(std::move(item));
  }
  return Make(std::move(list));
}

Result<ExpressionPtr> ExpressionParser::ParseLeftAssociative(
    ParseOperand operand, TokenKind kind, std::initializer_list<BinaryToken> operators) {
  ARENA_ASSIGN_OR_RETURN(ExpressionPtr left, (this->*operand)());
  while (true) {
    const auto* found =
        std::find_if(operators.begin(), operators.end(),
                     [&](const BinaryToken& token) { return stream_.Sees(kind, token.text); });
    if (found == operators.end()) return left;
    stream_.Next();
    ARENA_ASSIGN_OR_RETURN(ExpressionPtr right, (this->*operand)());
    ARENA_ASSIGN_OR_RETURN(left, Make(BinaryNode{found->op, std::move(left), std::move(right)}));
  }
}

Result<ExpressionPtr> ExpressionParser::ParseOr() {
  return ParseLeftAssociative(&ExpressionParser::ParseAnd, TokenKind::kName,
                              {{"or", BinaryOperator::kOr}});
}

Result<ExpressionPtr> ExpressionParser::ParseAnd() {
  return ParseLeftAssociative(&ExpressionParser::ParseNot, TokenKind::kName,
                              {{"and", BinaryOperator::kAnd}});
}

Result<ExpressionPtr> ExpressionParser::ParseNot() {
  const Nesting nesting(nesting_);
  if (nesting.IsTooDeep()) return TooNested();
  if (!stream_.AcceptName("not")) return ParseComparison();
  ARENA_ASSIGN_OR_RETURN(ExpressionPtr operand, ParseNot());
  return Make(UnaryNode{UnaryOperator::kNot, std::move(operand)});
}

std::optional<BinaryOperator> ExpressionParser::AcceptComparison() {
  static constexpr std::array<BinaryToken, 6> kOperators = {
      {{"==", BinaryOperator::kEqual},
       {"!=", BinaryOperator::kNotEqual},
       {"<", BinaryOperator::kLess},
       {"<=", BinaryOperator::kLessEqual},
       {">", BinaryOperator::kGreater},
       {">=", BinaryOperator::kGreaterEqual}}};
  for (const BinaryToken& token : kOperators) {
    if (stream_.AcceptOperator(token.text)) return token.op;
  }
  if (stream_.AcceptName("in")) return BinaryOperator::kIn;
  if (stream_.SeesName("not") && stream_.Sees(TokenKind::kName, "in", 1)) {
    stream_.Next();
    stream_.Next();
    return BinaryOperator::kNotIn;
  }
  return std::nullopt;
}

Result<ExpressionPtr> ExpressionParser::ParseComparison() {
  ARENA_ASSIGN_OR_RETURN(ExpressionPtr left, ParseSum());
  const auto op = AcceptComparison();
  if (!op) return left;
  ARENA_ASSIGN_OR_RETURN(ExpressionPtr right, ParseSum());
  if (AcceptComparison()) {
    return InvalidInput("comparisons in a row (a < b < c) are not supported: join them with 'and'");
  }
  return Make(BinaryNode{*op, std::move(left), std::move(right)});
}

Result<ExpressionPtr> ExpressionParser::ParseSum() {
  return ParseLeftAssociative(&ExpressionParser::ParseConcatenation, TokenKind::kOperator,
                              {{"+", BinaryOperator::kAdd}, {"-", BinaryOperator::kSubtract}});
}

Result<ExpressionPtr> ExpressionParser::ParseConcatenation() {
  return ParseLeftAssociative(&ExpressionParser::ParseProduct, TokenKind::kOperator,
                              {{"~", BinaryOperator::kConcatenate}});
}

Result<ExpressionPtr> ExpressionParser::ParseProduct() {
  ARENA_ASSIGN_OR_RETURN(ExpressionPtr product,
                         ParseLeftAssociative(&ExpressionParser::ParseUnary, TokenKind::kOperator,
                                              {{"*", BinaryOperator::kMultiply},
                                               {"/", BinaryOperator::kDivide},
                                               {"//", BinaryOperator::kFloorDivide},
                                               {"%", BinaryOperator::kModulo}}));
  if (stream_.SeesOperator("**")) return InvalidInput("the operator ** is not supported");
  return product;
}

Result<ExpressionPtr> ExpressionParser::ParseUnary() {
  ARENA_ASSIGN_OR_RETURN(ExpressionPtr value, ParseSigned());
  return ParseFiltersAndTests(std::move(value));
}

// A sign binds more closely than a filter: -1|abs is 1.
Result<ExpressionPtr> ExpressionParser::ParseSigned() {
  const Nesting nesting(nesting_);
  if (nesting.IsTooDeep()) return TooNested();
  const bool is_minus = stream_.SeesOperator("-");
  if (is_minus || stream_.SeesOperator("+")) {
    stream_.Next();
    ARENA_ASSIGN_OR_RETURN(ExpressionPtr operand, ParseSigned());
    const UnaryOperator op = is_minus ? UnaryOperator::kMinus : UnaryOperator::kPlus;
    return Make(UnaryNode{op, std::move(operand)});
  }
  ARENA_ASSIGN_OR_RETURN(ExpressionPtr primary, ParsePrimary());
  return ParsePostfix(std::move(primary));
}

Result<ExpressionPtr> ExpressionParser::ParsePrimary() {
  switch (stream_.Peek().kind) {
    case TokenKind::kName:
      return ParseName();
    case TokenKind::kString:
      return ParseStrings();
    case TokenKind::kInteger:
      return Make(LiteralNode{Value::Int(stream_.Next().integer)});
    case TokenKind::kFloat:
      return Make(LiteralNode{Value::Float(stream_.Next().number)});
    default:
      break;
  }
  if (stream_.AcceptOperator("(")) return ParseParentheses();
  if (stream_.AcceptOperator("[")) return ParseList();
  if (stream_.AcceptOperator("{")) return ParseDict();
  return stream_.Unexpected("a value");
}

Result<ExpressionPtr> ExpressionParser::ParseName() {
  const std::string name = stream_.Next().text;
  if (name == "true" || name == "True") return Make(LiteralNode{Value::Bool(true)});
  if (name == "false" || name == "False") return Make(LiteralNode{Value::Bool(false)});
  if (name == "none" || name == "None") return Make(LiteralNode{Value::MakeNone()});
  if (name != "loop") return Make(NameNode{name});
  if (!stream_.AcceptOperator(".")) {
    return InvalidInput("'loop' is supported as loop.NAME only");
  }
  ARENA_ASSIGN_OR_RETURN(std::string member, stream_.ExpectName("a name after 'loop.'"));
  return Make(LoopNode{std::move(member)});
}

// Strings beside each other are one.
Result<ExpressionPtr> ExpressionParser::ParseStrings() {
  std::string text;
  while (stream_.Peek().kind == TokenKind::kString) text += stream_.Next().text;
  return Make(LiteralNode{Value::String(MarkedText(std::move(text), true))});
}

Result<ExpressionPtr> ExpressionParser::ParseParentheses() {
  if (stream_.AcceptOperator(")")) return Make(ListNode{});
  ARENA_ASSIGN_OR_RETURN(ExpressionPtr value, ParseTuple());
  ARENA_RETURN_IF_ERROR(stream_.ExpectOperator(")"));
  return value;
}

Result<ExpressionPtr> ExpressionParser::ParseList() {
  ListNode list;
  while (!stream_.AcceptOperator("]")) {
    if (!list.items.empty()) ARENA_RETURN_IF_ERROR(stream_.ExpectOperator(","));
    if (stream_.AcceptOperator("]")) break;
    ARENA_ASSIGN_OR_RETURN(ExpressionPtr item, Parse());
    list.items.push_back(std::move(item));
  }
  return Make(std::move(list));
}

Result<ExpressionPtr> ExpressionParser::ParseDict() {
  DictNode dict;
  while (!stream_.AcceptOperator("}")) {
    if (!dict.members.empty()) ARENA_RETURN_IF_ERROR(stream_.ExpectOperator(","));
    if (stream_.AcceptOperator("}")) break;
    ARENA_ASSIGN_OR_RETURN(ExpressionPtr key, Parse());
    ARENA_RETURN_IF_ERROR(stream_.ExpectOperator(":"));
    ARENA_ASSIGN_OR_RETURN(ExpressionPtr value, Parse());
    dict.members.emplace_back(std::move(key), std::move(value));
  }
  return Make(std::move(dict));
}

Result<ExpressionPtr> ExpressionParser::ParsePostfix(ExpressionPtr object) {
  while (true) {
    if (stream_.AcceptOperator(".")) {
      ARENA_ASSIGN_OR_RETURN(object, ParseMember(std::move(object)));
    } else if (stream_.AcceptOperator("[")) {
      ARENA_ASSIGN_OR_RETURN(object, ParseSubscript(std::move(object)));
    } else if (stream_.AcceptOperator("(")) {
      CallNode call;
      call.callee = std::move(object);
      ARENA_ASSIGN_OR_RETURN(call.arguments, ParseArguments());
      ARENA_ASSIGN_OR_RETURN(object, Make(std::move(call)));
    } else {
      return object;
    }
  }
}

Result<ExpressionPtr> ExpressionParser::ParseMember(ExpressionPtr object) {
  if (stream_.Peek().kind == TokenKind::kInteger) {
    ARENA_ASSIGN_OR_RETURN(ExpressionPtr index,
                           Make(LiteralNode{Value::Int(stream_.Next().integer)}));
    return Make(IndexNode{std::move(object), std::move(index)});
  }
  ARENA_ASSIGN_OR_RETURN(std::string name, stream_.ExpectName("a name after '.'"));
  return Make(MemberNode{std::move(object), std::move(name)});
}

Result<ExpressionPtr> ExpressionParser::ParseSubscript(ExpressionPtr object) {
  SliceNode slice;
  if (!stream_.SeesOperator(":")) {
    ARENA_ASSIGN_OR_RETURN(slice.start, Parse());
    if (stream_.AcceptOperator("]")) {
      return Make(IndexNode{std::move(object), std::move(slice.start)});
    }
  }
  ARENA_RETURN_IF_ERROR(stream_.ExpectOperator(":"));
  if (!stream_.SeesOperator(":") && !stream_.SeesOperator("]")) {
    ARENA_ASSIGN_OR_RETURN(slice.stop, Parse());
  }
  if (stream_.AcceptOperator(":") && !stream_.SeesOperator("]")) {
    ARENA_ASSIGN_OR_RETURN(slice.step, Parse());
  }
  ARENA_RETURN_IF_ERROR(stream_.ExpectOperator("]"));
  slice.object = std::move(object);
  return Make(std::move(slice));
}

Result<Arguments> ExpressionParser::ParseArguments() {
  Arguments arguments;
  bool is_first = true;
  while (!stream_.AcceptOperator(")")) {
    if (!is_first) ARENA_RETURN_IF_ERROR(stream_.ExpectOperator(","));
    is_first = false;
    if (stream_.AcceptOperator(")")) break;
    if (stream_.SeesOperator("*") || stream_.SeesOperator("**")) {
      return InvalidInput("arguments taken from a list (*, **) are not supported");
    }
    if (stream_.Peek().kind == TokenKind::kName && stream_.Sees(TokenKind::kOperator, "=", 1)) {
      std::string name = stream_.Next().text;
      stream_.Next();
      ARENA_ASSIGN_OR_RETURN(ExpressionPtr value, Parse());
      arguments.named.emplace_back(std::move(name), std::move(value));
      continue;
    }
    ARENA_ASSIGN_OR_RETURN(ExpressionPtr value, Parse());
    if (!arguments.named.empty()) {
      return InvalidInput("an argument without a name follows one with a name");
    }
    arguments.positional.push_back(std::move(value));
  }
  return arguments;
}

Result<ExpressionPtr> ExpressionParser::ParseFiltersAndTests(ExpressionPtr input) {
  while (true) {
    if (stream_.AcceptOperator("|")) {
      ARENA_ASSIGN_OR_RETURN(FilterNode filter, ParseFilterCall());
      filter.input = std::move(input);
      ARENA_ASSIGN_OR_RETURN(input, Make(std::move(filter)));
    } else if (stream_.AcceptName("is")) {
      ARENA_ASSIGN_OR_RETURN(input, ParseTest(std::move(input)));
    } else {
      return input;
    }
  }
}

Result<FilterNode> ExpressionParser::ParseFilterCall() {
  FilterNode filter;
  ARENA_ASSIGN_OR_RETURN(filter.name, stream_.ExpectName("the name of a filter"));
  if (stream_.AcceptOperator("(")) {
    ARENA_ASSIGN_OR_RETURN(filter.arguments, ParseArguments());
  }
  return filter;
}

// Whether the next token begins the one argument that a test may have without parentheses.
bool ExpressionParser::SeesBareArgument() const {
  static constexpr std::array<std::string_view, 7> kKeywords = {"else", "or",  "and", "is",
                                                                "if",   "not", "in"};
  const Token& token = stream_.Peek();
  if (token.kind == TokenKind::kName) {
    return std::find(kKeywords.begin(), kKeywords.end(), token.text) == kKeywords.end();
  }
  return token.kind == TokenKind::kString || token.kind == TokenKind::kInteger ||
         token.kind == TokenKind::kFloat || stream_.SeesOperator("[") || stream_.SeesOperator("{");
}

Result<ExpressionPtr> ExpressionParser::ParseTest(ExpressionPtr input) {
  TestNode test;
  test.is_negated = stream_.AcceptName("not");
  ARENA_ASSIGN_OR_RETURN(test.name, stream_.ExpectName("the name of a test"));
  if (stream_.AcceptOperator("(")) {
    ARENA_ASSIGN_OR_RETURN(test.arguments, ParseArguments());
  } else if (SeesBareArgument()) {
    ARENA_ASSIGN_OR_RETURN(ExpressionPtr primary, ParsePrimary());
    ARENA_ASSIGN_OR_RETURN(ExpressionPtr argument, ParsePostfix(std::move(primary)));
    test.arguments.positional.push_back(std::move(argument));
  }
  test.input = std::move(input);
  return Make(std::move(test));
}

}  // namespace arena::jinja
