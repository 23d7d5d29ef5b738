#include "judge/plain_text.h"

#include <unicode/errorcode.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <cstdint>

namespace arena {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{1} << 30;

icu::UnicodeString StreamSafe(std::string_view text) {
  constexpr int kMaxMarks = 30;
  const icu::UnicodeString all = icu::UnicodeString::fromUTF8(
      icu::StringPiece(text.data(), static_cast<std::int32_t>(text.size())));
  icu::UnicodeString safe(all.length(), 0, 0);
  int marks = 0;
  for (std::int32_t i = 0; i < all.length();) {
    const UChar32 c = all.char32At(i);
    i += U16_LENGTH(c);
    marks = u_getCombiningClass(c) == 0 ? 0 : marks + 1;
    if (marks <= kMaxMarks) safe.append(c);
  }
  return safe;
}

// Punctuation, and the ASCII symbols that Markdown uses as such; other symbols carry meaning.
bool IsPunctuation(UChar32 c) {
  return u_ispunct(c) || c == '`' || c == '^' || c == '~' || c == '|';
}

bool IsApostrophe(UChar32 c) { return c == '\'' || c == 0x2019; }

// A sign, point or comma that belongs to a number: "-5" is not "5", nor "3.5" "35".
bool BelongsToNumber(UChar32 c, UChar32 next, bool starts_word) {
  if (!u_isdigit(next)) return false;
  return c == '.' || c == ',' || ((c == '-' || c == 0x2212) && starts_word);
}

bool IsArticle(const std::string& word) { return word == "a" || word == "an" || word == "the"; }

class WordJoiner {
 public:
  explicit WordJoiner(bool drop_articles) : drop_articles_(drop_articles) {}

  bool at_word_start() const { return word_.empty(); }

  void Add(UChar32 c) { icu::UnicodeString(c).toUTF8String(word_); }

  void EndWord() {
    if (!word_.empty() && !(drop_articles_ && IsArticle(word_))) {
      if (!text_.empty()) text_ += ' ';
      text_ += word_;
    }
    word_.clear();
  }

  std::string Take() {
    EndWord();
    return std::move(text_);
  }

 private:
  bool drop_articles_;
  std::string word_;
  std::string text_;
};

}  // namespace

Result<std::string> PlainText(std::string_view text, const PlainTextOptions& options) {
  if (text.size() > kMaxBytes) return InvalidInput("a text of more than 1 GiB cannot be compared");
  icu::ErrorCode status;
  const icu::Normalizer2* normalizer = icu::Normalizer2::getNFKCCasefoldInstance(status);
  if (status.isFailure()) {
    return InternalError(std::string("ICU has no normalisation data: ") + status.errorName());
  }
  const icu::UnicodeString folded = normalizer->normalize(StreamSafe(text), status);
  if (status.isFailure()) return InternalError("ICU could not normalise a text");
  WordJoiner joiner(options.drop_articles);
  for (std::int32_t i = 0; i < folded.length();) {
    const UChar32 c = folded.char32At(i);
    i += U16_LENGTH(c);
    const UChar32 next = i < folded.length() ? folded.char32At(i) : 0;
    const bool punctuation = !options.keep_punctuation && IsPunctuation(c) &&
                             !BelongsToNumber(c, next, joiner.at_word_start());
    if (punctuation && IsApostrophe(c)) continue;  // "don't" is one word
    if (punctuation || u_isUWhiteSpace(c)) {
      joiner.EndWord();
    } else {
      joiner.Add(c);
    }
  }
  return joiner.Take();
}

}  // namespace arena
