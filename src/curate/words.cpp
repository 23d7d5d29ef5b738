#include "curate/words.h"

#include <unicode/uchar.h>
#include <unicode/uscript.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

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

// A word is hashed 16 bytes at a time, the first byte lowest and zeros at the end: no byte of a
// word is zero, so the length need not be told.
std::uint64_t HashPiece(std::uint64_t hash, std::uint64_t low, std::uint64_t high) {
  return MixBits(hash ^ low, high);
}

class HashSink {
 public:
  explicit HashSink(std::vector<std::uint64_t>& hashes) : hashes_(hashes) {}
  void Byte(unsigned char byte) {
    if (length_ == 16) Piece();
    piece_[length_ / 8] |= static_cast<std::uint64_t>(byte) << 8 * (length_ % 8);
    ++length_;
  }
  void EndWord() {
    Piece();
    hashes_.push_back(hash_);
    hash_ = 0;
  }

 private:
  void Piece() {
    hash_ = HashPiece(hash_, piece_[0], piece_[1]);
    piece_ = {};
    length_ = 0;
  }

  std::vector<std::uint64_t>& hashes_;
  std::uint64_t hash_ = 0;
  std::array<std::uint64_t, 2> piece_{};
  std::size_t length_ = 0;  // of the piece
};

#if defined(__SSE2__)
typedef unsigned char Bytes __attribute__((vector_size(16)));
typedef char SignedBytes __attribute__((vector_size(16)));

std::uint64_t BitsOf(const Bytes& bytes) {
  return static_cast<std::uint32_t>(
      __builtin_ia32_pmovmskb128(reinterpret_cast<const SignedBytes&>(bytes)));
}

// Which of 64 bytes are ASCII letters or digits, and which are not ASCII.
struct ByteKinds {
  std::uint64_t in_word = 0;
  std::uint64_t not_ascii = 0;
};

ByteKinds KindsOf(const char* bytes) {
  ByteKinds kinds;
  for (int part = 0; part < 4; ++part) {
    Bytes v;
    std::memcpy(&v, bytes + 16 * part, 16);
    const Bytes letter = (v | 0x20) - 'a';
    const Bytes digit = v - '0';
    const auto in_word = reinterpret_cast<Bytes>((letter < 26) | (digit < 10));
    kinds.in_word |= BitsOf(in_word) << 16 * part;
    kinds.not_ascii |= BitsOf(v) << 16 * part;
  }
  return kinds;
}

typedef std::uint64_t Pair __attribute__((vector_size(16)));

// `count` bytes of a word, at most 16, in lower case; only the word's bytes need to be readable if
// `is_last`. Digits have the bit that makes letters small.
[[gnu::always_inline]] inline Pair WordPiece(const char* at, std::size_t count, bool is_last) {
  static constexpr std::array<unsigned char, 32> kMask = {255, 255, 255, 255, 255, 255, 255, 255,
                                                          255, 255, 255, 255, 255, 255, 255, 255};
  Bytes piece{}, mask;
  std::memcpy(&mask, kMask.data() + 16 - count, 16);
  if (is_last) {
    std::memcpy(&piece, at, count);
  } else {
    std::memcpy(&piece, at, 16);
  }
  return reinterpret_cast<Pair>((piece | 0x20) & mask);
}

// The hash that HashSink makes of the ASCII word text[begin, end).
[[gnu::always_inline]] inline std::uint64_t HashAsciiWord(std::string_view text, std::size_t begin,
                                                          std::size_t end) {
  std::uint64_t hash = 0;
  do {
    const std::size_t count = std::min<std::size_t>(end - begin, 16);
    const Pair piece = WordPiece(text.data() + begin, count, begin + 16 > text.size());
    hash = HashPiece(hash, piece[0], piece[1]);
    begin += count;
  } while (begin < end);
  return hash;
}

// The fast way for text that is all ASCII, 64 bytes at a time; false where it is not, with `hashes`
// as it was.
bool AppendAsciiWordHashes(std::string_view text, std::vector<std::uint64_t>& hashes) {
  const std::size_t first = hashes.size();
  hashes.resize(first + text.size() / 2 + 1);  // the most words that there can be
  std::uint64_t* next = hashes.data() + first;
  std::size_t open = 0;       // where the word that goes on began
  std::uint64_t is_open = 0;  // 1 if one does
  bool is_ascii = true;
  for (std::size_t base = 0; is_ascii && base < text.size(); base += 64) {
    std::array<char, 64> last{};
    const char* bytes = text.data() + base;
    if (text.size() - base < 64) {
      std::memcpy(last.data(), bytes, text.size() - base);
      bytes = last.data();
    }
    const ByteKinds kinds = KindsOf(bytes);
    is_ascii = kinds.not_ascii == 0;
    const std::uint64_t after_word = kinds.in_word << 1 | is_open;
    std::uint64_t begins = kinds.in_word & ~after_word;
    for (std::uint64_t ends = after_word & ~kinds.in_word; ends != 0; ends &= ends - 1) {
      if (is_open == 0) {
        open = base + static_cast<std::size_t>(std::countr_zero(begins));
        begins &= begins - 1;
      }
      is_open = 0;
      *next++ = HashAsciiWord(text, open, base + static_cast<std::size_t>(std::countr_zero(ends)));
    }
    if (begins != 0) open = base + static_cast<std::size_t>(std::countr_zero(begins));
    is_open = kinds.in_word >> 63;
  }
  if (is_open != 0) *next++ = HashAsciiWord(text, open, text.size());
  hashes.resize(is_ascii ? static_cast<std::size_t>(next - hashes.data()) : first);
  return is_ascii;
}
#else
bool AppendAsciiWordHashes(std::string_view, std::vector<std::uint64_t>&) { return false; }
#endif

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
  if (AppendAsciiWordHashes(text, hashes)) return;
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
