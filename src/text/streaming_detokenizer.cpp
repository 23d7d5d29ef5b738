#include "text/streaming_detokenizer.h"

#include "text/internal/utf8.h"

namespace arena {
namespace {

constexpr std::string_view kReplacement = "\uFFFD";

/// Whether more bytes could make the end of `text` from `at`, which is not valid yet, a character.
bool MayBecomeValid(std::string_view text, std::size_t at) {
  const std::string_view rest = text.substr(at);
  // A sequence that can be completed is completed by one of these for each missing byte: the lowest
  // and the highest continuation, since what is allowed after a first byte is a range.
  for (std::size_t missing = 1; missing + rest.size() <= 4; ++missing) {
    for (const char first : {'\x80', '\xBF'}) {
      std::string whole(rest);
      whole += first;
      whole.append(missing - 1, '\x80');
      const Utf8Character c = CharacterAt(whole, 0);
      if (c.valid && c.size == whole.size()) return true;
    }
  }
  return false;
}

}  // namespace

StreamingDetokenizer::StreamingDetokenizer(const Tokenizer& tokenizer, bool skip_special)
    : tokenizer_(tokenizer), skip_special_(skip_special) {}

std::string StreamingDetokenizer::Add(TokenId id) {
  if (skip_special_ && tokenizer_.IsSpecial(id)) return "";
  std::string_view bytes = tokenizer_.TokenBytes(id);
  if (at_start_ && !bytes.empty()) {
    if (tokenizer_.strips_leading_space() && bytes.starts_with(' ')) bytes.remove_prefix(1);
    at_start_ = false;
  }
  pending_ += bytes;
  std::string text;
  std::size_t done = 0;
  while (done < pending_.size()) {
    const std::size_t bad = FindInvalid(pending_, done);
    text.append(pending_, done, bad - done);
    done = bad;
    if (bad == pending_.size() || MayBecomeValid(pending_, bad)) break;
    text += kReplacement;
    ++done;
  }
  pending_.erase(0, done);
  return text;
}

std::string StreamingDetokenizer::Finish() {
  std::string text;
  if (!pending_.empty()) text = kReplacement;
  pending_.clear();
  at_start_ = true;
  return text;
}

}  // namespace arena
