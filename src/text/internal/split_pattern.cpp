#include "text/internal/split_pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/format.h>
#include <pcre2.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "text/internal/utf8.h"

namespace arena {
namespace {

constexpr std::size_t kMaxPatternBytes = 64 * 1024;
constexpr std::uint32_t kMaxSteps = 10'000'000;  // for one match
constexpr std::uint32_t kMaxHeapKiB = 64 * 1024;

/// What an escape of Oniguruma is in PCRE2, inside and outside of a class; none: the same.
struct Escape {
  char letter;
  std::string_view in_class;
  std::string_view alone;
};
constexpr std::array<Escape, 6> kEscapes = {{
    {'s', "\\p{White_Space}", "\\p{White_Space}"},
    {'S', "\\P{White_Space}", "\\P{White_Space}"},
    {'w', "\\p{L}\\p{M}\\p{Nd}\\p{Pc}", "[\\p{L}\\p{M}\\p{Nd}\\p{Pc}]"},
    {'W', "", "[^\\p{L}\\p{M}\\p{Nd}\\p{Pc}]"},
    {'h', "0-9A-Fa-f", "[0-9A-Fa-f]"},
    {'H', "", "[^0-9A-Fa-f]"},
}};

class Translator {
 public:
  explicit Translator(std::string_view pattern) : pattern_(pattern) {}

  Result<std::string> Run() {
    if (pattern_.starts_with("(*")) return InvalidInput("starts with \"(*\"");
    while (at_ < pattern_.size()) {
      ARENA_RETURN_IF_ERROR(pattern_[at_] == '\\' ? TranslateEscape() : TranslateCharacter());
    }
    return std::move(out_);
  }

 private:
  Status TranslateEscape() {
    if (at_ + 1 == pattern_.size()) return InvalidInput("ends with a backslash");
    const char letter = pattern_[at_ + 1];
    for (const Escape& escape : kEscapes) {
      if (escape.letter != letter) continue;
      if (in_class_ && escape.in_class.empty()) {
        return InvalidInput(fmt::format("\\{} inside a character class is not supported", letter));
      }
      out_ += in_class_ ? escape.in_class : escape.alone;
      at_ += 2;
      class_empty_ = false;
      return {};
    }
    if (letter == 'u' && pattern_.size() - at_ >= 6) {  // \uHHHH
      out_ += fmt::format("\\x{{{}}}", pattern_.substr(at_ + 2, 4));
      at_ += 6;
    } else {
      out_ += pattern_.substr(at_, 2);
      at_ += 2;
    }
    class_empty_ = false;
    return {};
  }

  Status TranslateCharacter() {
    const char c = pattern_[at_];
    if (!in_class_ && c == '[') {
      in_class_ = true;
      class_empty_ = true;
      out_ += c;
      if (++at_ < pattern_.size() && pattern_[at_] == '^') out_ += pattern_[at_++];
      return {};
    }
    if (in_class_) {
      if (c == '[' && pattern_.substr(at_).starts_with("[:")) {
        return InvalidInput("a POSIX class such as [:alpha:] is not supported");
      }
      if (c == '[') return InvalidInput("a character class inside another is not supported");
      if (c == '&' && pattern_.substr(at_).starts_with("&&")) {
        return InvalidInput("an intersection (&&) of character classes is not supported");
      }
      if (c == ']' && !class_empty_) in_class_ = false;
      class_empty_ = false;
    }
    out_ += c;
    ++at_;
    return {};
  }

  std::string_view pattern_;
  std::size_t at_ = 0;
  bool in_class_ = false;
  bool class_empty_ = false;  ///< a ']' now is a member
  std::string out_;
};

struct MatchDataFree {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};

}  // namespace

struct SplitPattern::Code {
  pcre2_code* code = nullptr;
  pcre2_match_context* limits = nullptr;
  bool jit = false;

  Code() = default;
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;
  ~Code() {
    pcre2_match_context_free(limits);
    pcre2_code_free(code);
  }

  /// The first match at or after `from` in valid UTF-8.
  std::optional<Span> Match(std::string_view text, std::size_t from, pcre2_match_data* data) const {
    const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
    int found = PCRE2_ERROR_JIT_STACKLIMIT;
    if (jit) found = pcre2_jit_match(code, subject, text.size(), from, 0, data, limits);
    if (found == PCRE2_ERROR_JIT_STACKLIMIT) {
      constexpr std::uint32_t kOptions = PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT;
      found = pcre2_match(code, subject, text.size(), from, kOptions, data, limits);
    }
    if (found < 0) return std::nullopt;
    const PCRE2_SIZE* offsets = pcre2_get_ovector_pointer(data);
    if (offsets[0] < from || offsets[1] < offsets[0]) return std::nullopt;
    return Span{offsets[0], offsets[1]};
  }
};

Result<SplitPattern> SplitPattern::Compile(std::string_view pattern) {
  if (pattern.size() > kMaxPatternBytes) return InvalidInput("is longer than 64 KiB");
  if (FindInvalid(pattern, 0) != pattern.size()) return InvalidInput("is not valid UTF-8");
  ARENA_ASSIGN_OR_RETURN(const std::string translated, Translator(pattern).Run());
  auto code = std::make_shared<Code>();
  int error = 0;
  PCRE2_SIZE offset = 0;
  constexpr std::uint32_t kOptions =
      PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C;
  code->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                             kOptions, &error, &offset, nullptr);
  if (code->code == nullptr) {
    std::array<PCRE2_UCHAR, 256> message{};
    pcre2_get_error_message(error, message.data(), message.size());
    return InvalidInput(fmt::format("{}", reinterpret_cast<const char*>(message.data())));
  }
  code->jit = pcre2_jit_compile(code->code, PCRE2_JIT_COMPLETE) == 0;
  code->limits = pcre2_match_context_create(nullptr);
  if (code->limits == nullptr) return InternalError("out of memory");
  pcre2_set_match_limit(code->limits, kMaxSteps);
  pcre2_set_heap_limit(code->limits, kMaxHeapKiB);
  return SplitPattern(std::move(code));
}

void SplitPattern::ForEachMatch(std::string_view text,
                                FunctionRef<void(std::size_t, std::size_t)> visit) const {
  const std::unique_ptr<pcre2_match_data, MatchDataFree> data(
      pcre2_match_data_create_from_pattern(code_->code, nullptr));
  if (data == nullptr) return;
  ForEachUtf8Run(text, [&](std::size_t begin, std::size_t end, bool valid) {
    if (!valid) return;
    const std::string_view run = text.substr(begin, end - begin);
    std::optional<std::size_t> last_end;
    for (std::size_t from = 0; from <= run.size();) {
      const std::optional<Span> match = code_->Match(run, from, data.get());
      if (!match) return;
      const bool empty = match->begin == match->end;
      if (!empty || last_end != match->end) visit(begin + match->begin, begin + match->end);
      last_end = match->end;
      from = match->end;
      if (empty) from += from < run.size() ? CharacterAt(run, from).size : 1;
    }
  });
}

}  // namespace arena
