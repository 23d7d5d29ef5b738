// Expressions of a template.
#pragma once

#include <initializer_list>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "text/jinja/ast.h"
#include "text/jinja/token_stream.h"

namespace arena::jinja {

/// How deeply expressions, and statements, may be nested.
inline constexpr int kMaxNesting = 200;

/// Errors are without a line: it is that of the stream. Not thread-safe.
class ExpressionParser {
 public:
  explicit ExpressionParser(TokenStream& stream) : stream_(stream) {}

  /// A whole expression, conditional ones included.
  Result<ExpressionPtr> Parse();
  /// Without `A if B else C`, for what a loop runs over.
  Result<ExpressionPtr> ParseUnconditional() { return ParseOr(); }
  /// A whole expression, or several with commas between them, which are a list.
  Result<ExpressionPtr> ParseTuple();
  /// `NAME` or `NAME(ARGUMENTS)` after a `|`; without input.
  Result<FilterNode> ParseFilterCall();

 private:
  using ParseOperand = Result<ExpressionPtr> (ExpressionParser::*)();
  struct BinaryToken {
    std::string_view text;
    BinaryOperator op;
  };

  template <typename Node>
  Result<ExpressionPtr> Make(Node node);
  Result<ExpressionPtr> ParseLeftAssociative(ParseOperand operand, TokenKind kind,
                                             std::initializer_list<BinaryToken> operators);
  Result<ExpressionPtr> ParseOr();
  Result<ExpressionPtr> ParseAnd();
  Result<ExpressionPtr> ParseNot();
  std::optional<BinaryOperator> AcceptComparison();
  Result<ExpressionPtr> ParseComparison();
  Result<ExpressionPtr> ParseSum();
  Result<ExpressionPtr> ParseConcatenation();
  Result<ExpressionPtr> ParseProduct();
  Result<ExpressionPtr> ParseUnary();
  Result<ExpressionPtr> ParseSigned();
  Result<ExpressionPtr> ParsePrimary();
  Result<ExpressionPtr> ParsePostfix(ExpressionPtr object);
  Result<ExpressionPtr> ParseFiltersAndTests(ExpressionPtr input);
  bool SeesBareArgument() const;
  Result<ExpressionPtr> ParseTest(ExpressionPtr input);
  Result<ExpressionPtr> ParseMember(ExpressionPtr object);
  Result<ExpressionPtr> ParseSubscript(ExpressionPtr object);
  Result<ExpressionPtr> ParseName();
  Result<ExpressionPtr> ParseStrings();
  Result<ExpressionPtr> ParseParentheses();
  Result<ExpressionPtr> ParseList();
  Result<ExpressionPtr> ParseDict();
  Result<Arguments> ParseArguments();

  TokenStream& stream_;
  int nesting_ = 0;
};

}  // namespace arena::jinja
