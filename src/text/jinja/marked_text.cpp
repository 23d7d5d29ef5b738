#include "text/jinja/marked_text.h"

#include <algorithm>
#include <utility>

namespace arena::jinja {
namespace {

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80; }

std::size_t SizeFromLead(unsigned char lead) {
  if (lead < 0xC2) return 1;
  if (lead < 0xE0) return 2;
  if (lead < 0xF0) return 3;
  return lead < 0xF5 ? 4 : 1;
}

}  // namespace

MarkedText::MarkedText(std::string bytes, bool is_trusted) : bytes_(std::move(bytes)) {
  if (is_trusted && !bytes_.empty()) trusted_.push_back({0, bytes_.size()});
}

bool MarkedText::IsAllTrusted() const {
  return empty() || (trusted_.size() == 1 && trusted_[0].begin == 0 && trusted_[0].end == size());
}

void MarkedText::AddSpan(Span span) {
  if (!trusted_.empty() && trusted_.back().end == span.begin) {
    trusted_.back().end = span.end;
  } else {
    trusted_.push_back(span);
  }
}

void MarkedText::Append(const MarkedText& other) {
  const std::size_t offset = size();
  bytes_ += other.bytes_;
  for (const Span& span : other.trusted_) AddSpan({span.begin + offset, span.end + offset});
}

void MarkedText::Append(std::string_view bytes, bool is_trusted) {
  if (bytes.empty()) return;
  const std::size_t offset = size();
  bytes_ += bytes;
  if (is_trusted) AddSpan({offset, size()});
}

MarkedText MarkedText::Slice(std::size_t begin, std::size_t end) const {
  MarkedText slice;
  slice.bytes_ = bytes_.substr(begin, end - begin);
  auto span = std::upper_bound(trusted_.begin(), trusted_.end(), begin,
                               [](std::size_t at, const Span& s) { return at < s.end; });
  for (; span != trusted_.end() && span->begin < end; ++span) {
    slice.trusted_.push_back(
        {std::max(span->begin, begin) - begin, std::min(span->end, end) - begin});
  }
  return slice;
}

std::size_t CharacterSize(std::string_view text, std::size_t pos) {
  const std::size_t size = SizeFromLead(static_cast<unsigned char>(text[pos]));
  if (pos + size > text.size()) return 1;
  for (std::size_t i = 1; i < size; ++i) {
    if (!IsContinuation(text[pos + i])) return 1;
  }
  return size;
}

std::size_t CharacterBefore(std::string_view text, std::size_t end) {
  for (std::size_t back = 2; back <= 4 && back <= end; ++back) {
    if (CharacterSize(text, end - back) == back) return end - back;
  }
  return end - 1;
}

std::size_t CountCharacters(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t pos = 0; pos < text.size(); pos += CharacterSize(text, pos)) ++count;
  return count;
}

}  // namespace arena::jinja
