#include "curate/words.h"

#include <unicode/uchar.h>
#include <unicode/uscript.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>

namespace arena {
namespace {

constexpr unsigned char kSeparator = 0;
constexpr unsigned char kNotAscii = 0xFF;

// ASCII letters in lower case and digits as they are.
constexpr std::array<unsigned char, 256> MakeAsciiTable() {
  std::array<unsigned char, 256> table{};
  for (unsigned c = 0; c < 256; ++c) {
    unsigned char entry = kSeparator;
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')) entry = static_cast<unsigned char>(c);
    if (c >= 'A' && c <= 'Z') entry = static_cast<unsigned char>(c + ('a' - 'A'));
    if (c >= 0x80) entry = kNotAscii;
    table[c] = entry;
  }
  return table;
}
constexpr auto kAscii = MakeAsciiTable();

enum class Kind { kGap, kLetter, kMark, kWholeWord };

bool IsWrittenWithoutSpaces(UChar32 c) {
  UErrorCode status = U_ZERO_ERROR;
  switch (uscript_getScript(c, &status)) {
    case USCRIPT_HAN:
    case USCRIPT_HIRAGANA:
    case USCRIPT_KATAKANA:
    case USCRIPT_THAI:
    case USCRIPT_LAO:
    case USCRIPT_KHMER:
    case USCRIPT_MYANMAR:
      return true;
    default:
      return false;
  }
}

Kind KindOf(UChar32 c) {
  const auto mask = U_GET_GC_MASK(c);
  if ((mask & U_GC_M_MASK) != 0) return Kind::kMark;
  if ((mask & (U_GC_L_MASK | U_GC_N_MASK)) == 0) return Kind::kGap;
  return IsWrittenWithoutSpaces(c) ? Kind::kWholeWord : Kind::kLetter;
}

// Calls sink.Byte(byte) for each folded byte of a word and sink.EndWord() after each word.
template <typename Sink>
class Scanner {
 public:
  explicit Scanner(Sink& sink) : sink_(sink) {}

  void Scan(std::string_view text) {
    const auto* const bytes = reinterpret_cast<const std::uint8_t*>(text.data());
    std::size_t at = 0;
    while (at < text.size()) {
      const unsigned char folded = kAscii[bytes[at]];
      if (folded == kSeparator) {
        EndWord();
        ++at;
      } else if (folded != kNotAscii) {
        if (after_whole_word_) EndWord();
        sink_.Byte(folded);
        in_word_ = true;
        ++at;
      } else {
        at = NotAscii(bytes, at, text.size());
      }
    }
    EndWord();
  }

 private:
  void EndWord() {
    if (in_word_) sink_.EndWord();
    in_word_ = false;
    after_whole_word_ = false;
  }

  // One code point; returns where the next begins. Long runs go through 64-bit offsets piece by
  // piece, as ICU counts in 32 bits.
  std::size_t NotAscii(const std::uint8_t* bytes, std::size_t at, std::size_t size) {
    const std::uint8_t* const here = bytes + at;
    const auto length = static_cast<std::int32_t>(std::min<std::size_t>(size - at, 4));
    std::int32_t next = 0;
    UChar32 c = 0;
    U8_NEXT(here, next, length, c);
    const Kind kind = c < 0 ? Kind::kGap : KindOf(c);
    if (kind == Kind::kGap || (kind == Kind::kMark && !in_word_)) {
      EndWord();
    } else {
      if (kind == Kind::kWholeWord || (kind == Kind::kLetter && after_whole_word_)) EndWord();
      Append(u_foldCase(c, U_FOLD_CASE_DEFAULT));
      in_word_ = true;
      if (kind == Kind::kWholeWord) after_whole_word_ = true;
    }
    return at + static_cast<std::size_t>(next);
  }

  void Append(UChar32 c) {
    std::array<std::uint8_t, 4> buffer{};
    std::int32_t length = 0;
    U8_APPEND_UNSAFE(buffer.data(), length, c);
    for (std::int32_t i = 0; i < length; ++i) sink_.Byte(buffer[static_cast<std::size_t>(i)]);
  }

  Sink& sink_;
  bool in_word_ = false;
  bool after_whole_word_ = false;  // the word is one letter of a script without spaces
};

// Takes a word eight bytes at a time.
class HashSink {
 public:
  explicit HashSink(std::vector<std::uint64_t>& hashes) : hashes_(hashes) {}
  void Byte(unsigned char byte) {
    pending_ = pending_ << 8 | byte;
    if ((++length_ & 7) == 0) {
      hash_ = MixBits(hash_, pending_);
      pending_ = 0;
    }
  }
  void EndWord() {
    hashes_.push_back(MixBits(hash_ ^ pending_, length_));
    hash_ = pending_ = length_ = 0;
  }

 private:
  std::vector<std::uint64_t>& hashes_;
  std::uint64_t hash_ = 0;
  std::uint64_t pending_ = 0;
  std::uint64_t length_ = 0;
};

class TextSink {
 public:
  explicit TextSink(std::string& text) : text_(text) {}
  void Byte(unsigned char byte) {
    if (begins_word_ && !text_.empty()) text_.push_back(' ');
    begins_word_ = false;
    text_.push_back(static_cast<char>(byte));
  }
  void EndWord() { begins_word_ = true; }

 private:
  std::string& text_;
  bool begins_word_ = true;
};

}  // namespace

void AppendWordHashes(std::string_view text, std::vector<std::uint64_t>& hashes) {
  HashSink sink(hashes);
  Scanner<HashSink>(sink).Scan(text);
}

std::string NormalizedText(std::string_view text) {
  std::string normalized;
  TextSink sink(normalized);
  Scanner<TextSink>(sink).Scan(text);
  return normalized;
}

}  // namespace arena
