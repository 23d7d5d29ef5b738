// Splits a template into text and the tokens of its tags.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace arena::jinja {

enum class TokenKind {
  kText,         ///< outside tags, after white space control
  kOutputBegin,  ///< {{
  kOutputEnd,    ///< }}
  kBlockBegin,   ///< {%
  kBlockEnd,     ///< %}
  kName,
  kString,  ///< without quotes, escapes resolved
  kInteger,
  kFloat,
  kOperator,
  kEnd,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;  ///< a name, an operator, a text or a string's content
  std::int64_t integer = 0;
  double number = 0;
  int line = 1;
};

/// An error and the line where it is.
struct LexError {
  int line = 1;
  std::string message;
};

/// White space around tags as transformers sets it: trim_blocks (the line end after a block or a
/// comment goes), lstrip_blocks (so does the indentation before one), `-` and `+` in tags, one
/// trailing line end of the template dropped; line ends become "\n". The last token is kEnd.
tl::expected<std::vector<Token>, LexError> Tokenize(std::string_view source);

}  // namespace arena::jinja
