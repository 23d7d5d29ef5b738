// Reading tokens one after the other.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "text/jinja/lexer.h"

namespace arena::jinja {

/// Not thread-safe. The last token is kEnd and is never passed.
class TokenStream {
 public:
  explicit TokenStream(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  const Token& Peek(std::size_t ahead = 0) const {
    return tokens_[std::min(pos_ + ahead, tokens_.size() - 1)];
  }
  const Token& Next() {
    const Token& token = Peek();
    if (pos_ + 1 < tokens_.size()) ++pos_;
    return token;
  }
  int line() const { return Peek().line; }

  bool Sees(TokenKind kind, std::string_view text, std::size_t ahead = 0) const {
    return Peek(ahead).kind == kind && Peek(ahead).text == text;
  }
  bool SeesOperator(std::string_view text) const { return Sees(TokenKind::kOperator, text); }
  bool SeesName(std::string_view text) const { return Sees(TokenKind::kName, text); }
  bool Accept(TokenKind kind, std::string_view text = {}) {
    if (Peek().kind != kind || (!text.empty() && Peek().text != text)) return false;
    Next();
    return true;
  }
  bool AcceptOperator(std::string_view text) { return Accept(TokenKind::kOperator, text); }
  bool AcceptName(std::string_view text) { return Accept(TokenKind::kName, text); }

  Status Expect(TokenKind kind, std::string_view shown);
  Status ExpectOperator(std::string_view text);
  Result<std::string> ExpectName(std::string_view what);
  /// "expected `what`, found ..."
  Error Unexpected(std::string_view what) const;

 private:
  std::vector<Token> tokens_;
  std::size_t pos_ = 0;
};

}  // namespace arena::jinja
