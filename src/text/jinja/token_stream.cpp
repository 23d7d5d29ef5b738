#include "text/jinja/token_stream.h"

#include <fmt/format.h>

namespace arena::jinja {
namespace {

std::string Shown(const Token& token) {
  constexpr std::size_t kMaxShown = 40;
  switch (token.kind) {
    case TokenKind::kText:
      return "text";
    case TokenKind::kOutputBegin:
      return "'{{'";
    case TokenKind::kOutputEnd:
      return "'}}'";
    case TokenKind::kBlockBegin:
      return "'{%'";
    case TokenKind::kBlockEnd:
      return "'%}'";
    case TokenKind::kEnd:
      return "the end of the template";
    case TokenKind::kString:
      return "a string";
    default:
      return fmt::format("'{}'", token.text.substr(0, kMaxShown));
  }
}

}  // namespace

Status TokenStream::Expect(TokenKind kind, std::string_view shown) {
  if (!Accept(kind)) return Unexpected(shown);
  return {};
}

Status TokenStream::ExpectOperator(std::string_view text) {
  if (!AcceptOperator(text)) return Unexpected(fmt::format("'{}'", text));
  return {};
}

Result<std::string> TokenStream::ExpectName(std::string_view what) {
  if (Peek().kind != TokenKind::kName) return Unexpected(what);
  return Next().text;
}

Error TokenStream::Unexpected(std::string_view what) const {
  return InvalidInput(fmt::format("expected {}, found {}", what, Shown(Peek())));
}

}  // namespace arena::jinja
