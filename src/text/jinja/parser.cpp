#include "text/jinja/parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "text/jinja/expression_parser.h"
#include "text/jinja/lexer.h"
#include "text/jinja/token_stream.h"

namespace arena::jinja {
namespace {

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : stream_(std::move(tokens)), expressions_(stream_) {}

  int line() const { return stream_.line(); }

  Result<Body> ParseTemplate() { return ParseBody({}); }

 private:
  // What stands around a statement decides what it may be.
  struct Surroundings {
    int nesting = 0;
    int loops = 0;
    bool is_macro = false;
  };

  // Up to a block whose name is one of `ends`, which is left with its name next; with no ends, up
  // to the end of the template.
  Result<Body> ParseBody(std::initializer_list<std::string_view> ends) {
    if (++around_.nesting > kMaxNesting) {
      return InvalidInput(fmt::format("blocks are nested more than {} deep", kMaxNesting));
    }
    Body body;
    while (stream_.Peek().kind != TokenKind::kEnd) {
      const int line = stream_.line();
      if (stream_.Peek().kind == TokenKind::kText) {
        body.push_back({TextStatement{MarkedText(stream_.Next().text, true)}, line});
      } else if (stream_.Accept(TokenKind::kOutputBegin)) {
        ARENA_ASSIGN_OR_RETURN(ExpressionPtr value, expressions_.ParseTuple());
        ARENA_RETURN_IF_ERROR(stream_.Expect(TokenKind::kOutputEnd, "'}}'"));
        body.push_back({OutputStatement{std::move(value)}, line});
      } else {
        ARENA_RETURN_IF_ERROR(stream_.Expect(TokenKind::kBlockBegin, "a block"));
        const bool is_end = std::any_of(ends.begin(), ends.end(), [this](std::string_view end) {
          return stream_.SeesName(end);
        });
        if (is_end) {
          --around_.nesting;
          return body;
        }
        ARENA_RETURN_IF_ERROR(ParseBlock(body, line));
      }
    }
    if (ends.size() > 0) {
      return InvalidInput(fmt::format("'{{% {} %}}' is missing", *(ends.end() - 1)));
    }
    --around_.nesting;
    return body;
  }

  // A body and the tag that ends it.
  Result<Body> ParseClosedBody(std::string_view end) {
    ARENA_RETURN_IF_ERROR(ExpectBlockEnd());
    ARENA_ASSIGN_OR_RETURN(Body body, ParseBody({end}));
    stream_.Next();
    return body;
  }

  Status ExpectBlockEnd() { return stream_.Expect(TokenKind::kBlockEnd, "'%}'"); }

  Status ParseBlock(Body& body, int line) {
    ARENA_ASSIGN_OR_RETURN(const std::string keyword, stream_.ExpectName("the name of a block"));
    if (keyword == "generation") {
      // Marks the tokens to train on; the text is what stands in it.
      ARENA_ASSIGN_OR_RETURN(Body inner, ParseClosedBody("endgeneration"));
      for (Statement& statement : inner) body.push_back(std::move(statement));
      return ExpectBlockEnd();
    }
    ARENA_ASSIGN_OR_RETURN(Statement statement, ParseStatement(keyword));
    statement.line = line;
    body.push_back(std::move(statement));
    return ExpectBlockEnd();
  }

  Result<Statement> ParseStatement(const std::string& keyword) {
    if (keyword == "if") return ParseIf();
    if (keyword == "for") return ParseFor();
    if (keyword == "set") return ParseSet();
    if (keyword == "macro") return ParseMacro();
    if (keyword == "filter") return ParseFilter();
    if (keyword == "break" || keyword == "continue") {
      if (around_.loops == 0) return InvalidInput(fmt::format("'{}' is outside a loop", keyword));
      return Statement{keyword == "break" ? LoopControl::kBreak : LoopControl::kContinue};
    }
    if (keyword.starts_with("end") || keyword == "else" || keyword == "elif") {
      return InvalidInput(fmt::format("'{}' ends nothing", keyword));
    }
    return InvalidInput(fmt::format("the block '{}' is not supported", keyword));
  }

  Result<Statement> ParseIf() {
    IfStatement statement;
    while (true) {
      ARENA_ASSIGN_OR_RETURN(ExpressionPtr condition, expressions_.ParseTuple());
      ARENA_RETURN_IF_ERROR(ExpectBlockEnd());
      ARENA_ASSIGN_OR_RETURN(Body body, ParseBody({"elif", "else", "endif"}));
      statement.branches.emplace_back(std::move(condition), std::move(body));
      if (!stream_.AcceptName("elif")) break;
    }
    if (stream_.AcceptName("else")) {
      ARENA_ASSIGN_OR_RETURN(statement.otherwise, ParseClosedBody("endif"));
    } else {
      stream_.Next();
    }
    return Statement{std::move(statement)};
  }

  Result<Statement> ParseFor() {
    ForStatement statement;
    ARENA_ASSIGN_OR_RETURN(statement.target, ParseNames());
    if (!stream_.AcceptName("in")) return stream_.Unexpected("'in'");
    ARENA_ASSIGN_OR_RETURN(statement.items, expressions_.ParseUnconditional());
    if (stream_.AcceptName("if")) {
      ARENA_ASSIGN_OR_RETURN(statement.condition, expressions_.Parse());
    }
    if (stream_.SeesName("recursive")) return InvalidInput("'recursive' is not supported");
    ARENA_RETURN_IF_ERROR(ExpectBlockEnd());
    ++around_.loops;
    ARENA_ASSIGN_OR_RETURN(statement.body, ParseBody({"else", "endfor"}));
    --around_.loops;
    if (stream_.AcceptName("else")) {
      ARENA_ASSIGN_OR_RETURN(statement.otherwise, ParseClosedBody("endfor"));
    } else {
      stream_.Next();
    }
    return Statement{std::move(statement)};
  }

  Result<Target> ParseNames() {
    Target target;
    const bool has_parentheses = stream_.AcceptOperator("(");
    do {
      ARENA_ASSIGN_OR_RETURN(std::string name, stream_.ExpectName("a variable"));
      if (name == "loop") return InvalidInput("'loop' is no name for a variable");
      target.names.push_back(std::move(name));
    } while (stream_.AcceptOperator(","));
    if (has_parentheses) ARENA_RETURN_IF_ERROR(stream_.ExpectOperator(")"));
    return target;
  }

  Result<Statement> ParseSet() {
    ARENA_ASSIGN_OR_RETURN(Target target, ParseNames());
    if (target.names.size() == 1 && stream_.AcceptOperator(".")) {
      ARENA_ASSIGN_OR_RETURN(target.member, stream_.ExpectName("a name after '.'"));
    }
    if (stream_.AcceptOperator("=")) {
      ARENA_ASSIGN_OR_RETURN(ExpressionPtr value, expressions_.ParseTuple());
      return Statement{SetStatement{std::move(target), std::move(value)}};
    }
    SetBlockStatement statement;
    statement.target = std::move(target);
    while (stream_.AcceptOperator("|")) {
      ARENA_ASSIGN_OR_RETURN(FilterNode filter, expressions_.ParseFilterCall());
      statement.filters.push_back(std::move(filter));
    }
    ARENA_ASSIGN_OR_RETURN(statement.body, ParseClosedBody("endset"));
    return Statement{std::move(statement)};
  }

  Result<Statement> ParseMacro() {
    if (around_.loops > 0 || around_.is_macro) {
      return InvalidInput("a macro inside a loop or a macro is not supported");
    }
    MacroStatement macro;
    ARENA_ASSIGN_OR_RETURN(macro.name, stream_.ExpectName("the macro's name"));
    ARENA_RETURN_IF_ERROR(stream_.ExpectOperator("("));
    while (!stream_.AcceptOperator(")")) {
      if (!macro.parameters.empty()) ARENA_RETURN_IF_ERROR(stream_.ExpectOperator(","));
      ARENA_ASSIGN_OR_RETURN(std::string name, stream_.ExpectName("a parameter"));
      ExpressionPtr otherwise;
      if (stream_.AcceptOperator("=")) {
        ARENA_ASSIGN_OR_RETURN(otherwise, expressions_.Parse());
      }
      macro.parameters.emplace_back(std::move(name), std::move(otherwise));
    }
    around_.is_macro = true;
    ARENA_ASSIGN_OR_RETURN(macro.body, ParseClosedBody("endmacro"));
    around_.is_macro = false;
    stream_.AcceptName(macro.name);  // {% endmacro NAME %}
    return Statement{std::move(macro)};
  }

  Result<Statement> ParseFilter() {
    FilterStatement statement;
    do {
      ARENA_ASSIGN_OR_RETURN(FilterNode filter, expressions_.ParseFilterCall());
      statement.filters.push_back(std::move(filter));
    } while (stream_.AcceptOperator("|"));
    ARENA_ASSIGN_OR_RETURN(statement.body, ParseClosedBody("endfilter"));
    return Statement{std::move(statement)};
  }

  TokenStream stream_;
  ExpressionParser expressions_;
  Surroundings around_;
};

}  // namespace

Result<Body> Parse(std::string_view source, std::string_view name) {
  if (source.size() > kMaxSourceBytes) {
    return InvalidInput(fmt::format("{}: the template has {} bytes; at most {} are read", name,
                                    source.size(), kMaxSourceBytes));
  }
  auto tokens = Tokenize(source);
  if (!tokens) return InvalidLine(name, tokens.error().line, tokens.error().message);
  Parser parser(std::move(*tokens));
  auto body = parser.ParseTemplate();
  if (!body.ok()) return InvalidLine(name, parser.line(), body.error().message);
  return body;
}

}  // namespace arena::jinja
