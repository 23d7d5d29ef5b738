#include "text/jinja/lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "text/jinja/string_literal.h"

namespace arena::jinja {
namespace {

constexpr std::string_view kSpace = " \t\n\r\f\v";

bool IsSpace(char c) { return kSpace.find(c) != std::string_view::npos; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsNameStart(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

std::string WithUnixLineEnds(std::string_view source) {
  std::string text;
  text.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      text += source[i];
    } else if (i + 1 == source.size() || source[i + 1] != '\n') {
      text += '\n';
    }
  }
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(WithUnixLineEnds(source)), text_(source_) {}

  tl::expected<std::vector<Token>, LexError> Run() {
    while (pos_ < text_.size() && !error_) {
      ReadText();
      if (pos_ < text_.size()) ReadTag();
    }
    if (error_) return tl::unexpected(*error_);
    Add(TokenKind::kEnd);
    return std::move(tokens_);
  }

 private:
  std::string_view Rest() const { return text_.substr(pos_); }
  bool Sees(std::string_view mark) const { return Rest().starts_with(mark); }

  void Advance(std::size_t count) {
    line_ += static_cast<int>(std::count(text_.begin() + static_cast<std::ptrdiff_t>(pos_),
                                         text_.begin() + static_cast<std::ptrdiff_t>(pos_ + count),
                                         '\n'));
    pos_ += count;
  }
  void SkipSpace() {
    std::size_t end = pos_;
    while (end < text_.size() && IsSpace(text_[end])) ++end;
    Advance(end - pos_);
  }
  Token& Add(TokenKind kind, std::string text = {}) {
    Token token;
    token.kind = kind;
    token.text = std::move(text);
    token.line = line_;
    return tokens_.emplace_back(std::move(token));
  }
  void Fail(std::string message) {
    if (!error_) error_ = LexError{line_, std::move(message)};
  }

  // Text up to the next tag, trimmed as that tag's opening mark says.
  void ReadText() {
    std::size_t tag = pos_;
    while (tag < text_.size() && !IsTagAt(tag)) ++tag;
    std::string_view text = text_.substr(pos_, tag - pos_);
    if (tag < text_.size()) {
      const char sign = tag + 2 < text_.size() ? text_[tag + 2] : '\0';
      if (sign == '-') {
        text = text.substr(0, text.find_last_not_of(kSpace) + 1);
      } else if (sign != '+' && text_[tag + 1] != '{') {
        text = WithoutIndent(text);
      }
    }
    if (!text.empty()) Add(TokenKind::kText, std::string(text));
    Advance(tag - pos_);
  }

  bool IsTagAt(std::size_t pos) const {
    return text_[pos] == '{' && pos + 1 < text_.size() &&
           (text_[pos + 1] == '{' || text_[pos + 1] == '%' || text_[pos + 1] == '#');
  }

  // lstrip_blocks: what is before a block goes where it is all white space from its line's start.
  std::string_view WithoutIndent(std::string_view text) const {
    const std::size_t line_end = text.rfind('\n');
    const bool starts_line =
        line_end != std::string_view::npos || pos_ == 0 || text_[pos_ - 1] == '\n';
    const std::size_t begin = line_end == std::string_view::npos ? 0 : line_end + 1;
    if (!starts_line || text.find_first_not_of(kSpace, begin) != std::string_view::npos) {
      return text;
    }
    return text.substr(0, begin);
  }

  void ReadTag() {
    const char mark = text_[pos_ + 1];
    if (mark == '#') return ReadComment();
    Add(mark == '{' ? TokenKind::kOutputBegin : TokenKind::kBlockBegin);
    Advance(2);
    if (Sees("-") || (Sees("+") && mark == '%')) Advance(1);
    const std::string_view end = mark == '{' ? "}}" : "%}";
    int open = 0;  // parentheses, brackets and braces
    while (!error_) {
      SkipSpace();
      if (pos_ >= text_.size()) return Fail("a tag is not closed");
      if (open == 0 && ReadTagEnd(end)) return;
      ReadToken(open);
    }
  }

  bool ReadTagEnd(std::string_view end) {
    const bool has_sign = (Sees("-") || (Sees("+") && end == "%}")) && Rest().substr(1, 2) == end;
    if (!has_sign && !Sees(end)) return false;
    const bool strip = has_sign && text_[pos_] == '-';
    Add(end == "}}" ? TokenKind::kOutputEnd : TokenKind::kBlockEnd);
    Advance(has_sign ? 3 : 2);
    if (strip) {
      SkipSpace();
    } else if (!has_sign && end == "%}" && Sees("\n")) {
      Advance(1);
    }
    return true;
  }

  void ReadComment() {
    const std::size_t end = text_.find("#}", pos_ + 2);
    if (end == std::string_view::npos) return Fail("a comment is not closed");
    const char sign = text_[end - 1];
    const bool has_sign = end > pos_ + 2;
    Advance(end + 2 - pos_);
    if (has_sign && sign == '-') {
      SkipSpace();
    } else if (!(has_sign && sign == '+') && Sees("\n")) {
      Advance(1);
    }
  }

  void ReadToken(int& open) {
    const char c = text_[pos_];
    if (IsNameStart(c)) return ReadName();
    if (IsDigit(c)) return ReadNumber();
    if (c == '\'' || c == '"') return ReadString();
    static constexpr std::array<std::string_view, 27> kOperators = {
        "==", "!=", "<=", ">=", "//", "**", "+", "-", "*", "/", "%", "~", "<", ">",
        "=",  "(",  ")",  "[",  "]",  "{",  "}", ",", ".", ":", "|", ";", "!"};
    const auto* found = std::find_if(kOperators.begin(), kOperators.end(),
                                     [this](std::string_view mark) { return Sees(mark); });
    if (found == kOperators.end()) return Fail(fmt::format("unexpected character '{}'", c));
    if (c == '(' || c == '[' || c == '{') ++open;
    if (c == ')' || c == ']' || c == '}') --open;
    if (open < 0) return Fail(fmt::format("'{}' closes nothing", c));
    Add(TokenKind::kOperator, std::string(*found));
    Advance(found->size());
  }

  void ReadName() {
    std::size_t end = pos_;
    while (end < text_.size() && (IsNameStart(text_[end]) || IsDigit(text_[end]))) ++end;
    Add(TokenKind::kName, std::string(text_.substr(pos_, end - pos_)));
    Advance(end - pos_);
  }

  void ReadNumber() {
    std::size_t end = pos_;
    while (end < text_.size() && IsDigit(text_[end])) ++end;
    const bool is_float = end + 1 < text_.size() && text_[end] == '.' && IsDigit(text_[end + 1]);
    if (is_float) {
      ++end;
      while (end < text_.size() && IsDigit(text_[end])) ++end;
    }
    const std::string digits(text_.substr(pos_, end - pos_));
    const char* last = digits.data() + digits.size();
    Token& token = Add(is_float ? TokenKind::kFloat : TokenKind::kInteger, digits);
    const auto parsed = is_float ? std::from_chars(digits.data(), last, token.number)
                                 : std::from_chars(digits.data(), last, token.integer);
    if (parsed.ec != std::errc()) return Fail(fmt::format("{} is out of range", digits));
    Advance(end - pos_);
  }

  void ReadString() {
    const char quote = text_[pos_];
    std::size_t end = pos_ + 1;
    while (end < text_.size() && text_[end] != quote) end += text_[end] == '\\' ? 2 : 1;
    if (end >= text_.size()) return Fail("a string is not closed");
    auto content = UnescapeString(text_.substr(pos_ + 1, end - pos_ - 1));
    if (!content.ok()) return Fail(content.error().message);
    Add(TokenKind::kString, std::move(*content));
    Advance(end + 1 - pos_);
  }

  const std::string source_;
  const std::string_view text_;
  std::size_t pos_ = 0;
  int line_ = 1;
  std::vector<Token> tokens_;
  std::optional<LexError> error_;
};

}  // namespace

tl::expected<std::vector<Token>, LexError> Tokenize(std::string_view source) {
  return Lexer(source).Run();
}

}  // namespace arena::jinja
