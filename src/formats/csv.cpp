#include "formats/csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/nearest.h"

namespace arena {
namespace {

/// Copies a quoted field's content onto itself with each doubled quote made one.
std::string_view Unescape(char* begin, std::size_t size) {
  char* out = begin;
  for (std::size_t i = 0; i < size; ++i) {
    *out++ = begin[i];
    if (begin[i] == '"') ++i;  // its twin
  }
  return {begin, static_cast<std::size_t>(out - begin)};
}

/// Bit i is set where at[i] is the delimiter or a newline; 64 bytes are read.
std::uint64_t FieldEndBits(const char* at, char delimiter) {
  std::uint64_t bits = 0;
#if defined(__SSE2__)
  const __m128i delimiters = _mm_set1_epi8(delimiter);
  const __m128i newlines = _mm_set1_epi8('\n');
  for (unsigned i = 0; i < 64; i += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + i));
    const __m128i found =
        _mm_or_si128(_mm_cmpeq_epi8(bytes, delimiters), _mm_cmpeq_epi8(bytes, newlines));
    bits |= std::uint64_t{static_cast<std::uint16_t>(_mm_movemask_epi8(found))} << i;
  }
#else
  for (unsigned i = 0; i < 64; ++i) {
    bits |= std::uint64_t{at[i] == delimiter || at[i] == '\n'} << i;
  }
#endif
  return bits;
}

}  // namespace

inline void CsvReader::FieldEnds::Restart(const char* at, char delimiter) {
  static_assert(ByteWindow::kPadding >= 64, "blocks reach past the window's end");
  block_ = at;
  next_ = at;
  bits_ = FieldEndBits(at, delimiter);
}

inline const char* CsvReader::FieldEnds::Next(char delimiter) {
  while (bits_ == 0) Restart(block_ + 64, delimiter);
  const char* const end = block_ + std::countr_zero(bits_);
  bits_ &= bits_ - 1;
  next_ = end + 1;
  return end;
}

Result<CsvReader> CsvReader::Open(const InputSource& source, const CsvOptions& options) {
  ARENA_ASSIGN_OR_RETURN(ByteWindow window, ByteWindow::Open(source));
  return Open(std::move(window), options);
}

Result<CsvReader> CsvReader::Open(ByteWindow window, const CsvOptions& options) {
  CsvReader reader(std::move(window), options);
  if (options.header.empty()) {
    ARENA_RETURN_IF_ERROR(reader.ReadHeader());
  } else {
    reader.header_ = options.header;
  }
  return reader;
}

CsvReader::CsvReader(ByteWindow window, const CsvOptions& options)
    : window_(std::move(window)), options_(options) {}

Status CsvReader::ReadHeader() {
  const bool guess = options_.delimiter == '\0';
  if (guess) options_.delimiter = ',';
  ARENA_ASSIGN_OR_RETURN(const bool found, FindRow());
  if (!found) {
    return InvalidInput(fmt::format("{}: is empty; the first row must name the columns", name()));
  }
  if (guess && field_count_ == 1 && fields_[0].find('\t') != std::string_view::npos) {
    options_.delimiter = '\t';
    ends_.Forget();
    ARENA_RETURN_IF_ERROR(FindRow());
  }
  UnescapeFields();
  for (const std::string_view field : std::span(fields_).first(field_count_)) {
    // pandas leaves the name of its index column empty.
    if (field.empty() && !header_.empty()) return Fail("a column of the header has no name");
    if (std::find(header_.begin(), header_.end(), field) != header_.end()) {
      return Fail(fmt::format("the column \"{}\" appears twice", field));
    }
    header_.emplace_back(field);
  }
  if (text_after_quote_) return Fail("text follows a closing quote");
  return {};
}

std::optional<std::size_t> CsvReader::Find(std::string_view name) const {
  const auto found = std::find(header_.begin(), header_.end(), name);
  if (found == header_.end()) return std::nullopt;
  return static_cast<std::size_t>(found - header_.begin());
}

Result<std::size_t> CsvReader::Column(std::string_view name) const {
  if (const auto found = Find(name)) return *found;
  const std::vector<std::string_view> names(header_.begin(), header_.end());
  const auto nearest = NearestName(name, names);
  return InvalidLine(
      this->name(), 1,
      nearest ? fmt::format("there is no column \"{}\"; did you mean \"{}\"?", name, *nearest)
              : fmt::format("there is no column \"{}\"; the columns are {}", name,
                            fmt::join(header_, ", ")));
}

Error CsvReader::Fail(std::string_view message) const {
  return InvalidLine(name(), line(), message);
}

std::int64_t CsvReader::LinesBefore() const {
  if (!lines_before_) {
    lines_before_ = std::count(options_.before.begin(), options_.before.end(), '\n');
  }
  return *lines_before_;
}

Result<bool> CsvReader::Next() {
  recoverable_ = false;
  window_.Consume(row_bytes_);
  line_ += row_lines_;
  row_bytes_ = 0;
  row_lines_ = 0;
  ARENA_ASSIGN_OR_RETURN(const bool found, FindRow());
  if (!found) return false;
  recoverable_ = true;
  if (text_after_quote_) {
    return Fail("text follows a closing quote; double the quotes inside a quoted field");
  }
  if (field_count_ != header_.size()) {
    return Fail(
        fmt::format("the row has {} fields and the header {}", field_count_, header_.size()));
  }
  if (!escaped_.empty()) UnescapeFields();
  return true;
}

/// Brings a whole row to the window's front and splits it; false at the end.
Result<bool> CsvReader::FindRow() {
  while (true) {
    while (window_.size() > 0 && *window_.begin() == '\n') {
      window_.Consume(1);
      ++line_;
    }
    const bool carriage_return = window_.size() > 0 && *window_.begin() == '\r';
    if (carriage_return && window_.size() > 1 && window_.begin()[1] == '\n') {
      window_.Consume(1);
      continue;
    }
    if (window_.size() > 0 && ScanRow()) return true;
    if (at_end_) break;
    ARENA_RETURN_IF_ERROR(GrowForRow());
  }
  if (window_.size() == 0) return false;
  return Fail("a quoted field of this row is never closed");
}

/// Doubles the window, so that scanning the row anew costs little however long the row is.
Status CsvReader::GrowForRow() {
  if (window_.size() > options_.max_row_bytes) {
    return Fail(fmt::format("the row is longer than {} bytes; is a quote never closed?",
                            options_.max_row_bytes));
  }
  ends_.Forget();
  const std::size_t wanted = window_.size() * 2;
  do {
    ARENA_ASSIGN_OR_RETURN(const bool more, window_.Grow());
    if (!more) at_end_ = true;
  } while (!at_end_ && window_.size() < wanted);
  return {};
}

/// Splits the row at the window's front. False: the window does not hold all of it.
bool CsvReader::ScanRow() {
  const char delimiter = options_.delimiter;
  const char* const begin = window_.begin();
  const char* const end = window_.end();
  *window_.end() = '\n';  // a sentinel in the padding: the loops need no other bound
  escaped_.clear();
  text_after_quote_ = false;
  row_lines_ = 1;
  std::size_t count = 0;  // of fields; a local, which stays in a register
  const char* at = begin;
  FieldEnds ends = ends_;  // a copy, which stays in registers
  ends.GoTo(begin, delimiter);
  while (true) {
    if (count == fields_.size()) fields_.resize(2 * count + 1);
    const char* const field = at;
    if (*at == '"') [[unlikely]] {
      field_count_ = count;
      const char* const close = ScanQuoted(at, end);
      if (close == nullptr) return false;
      at = close + 1;
      fields_[count++] = {field + 1, static_cast<std::size_t>(close - field - 1)};
      if (*at == '\r' && at[1] == '\n') ++at;
      if (*at != delimiter && *at != '\n') text_after_quote_ = true;
      ends.Restart(at, delimiter);
      at = ends.Next(delimiter);
    } else {
      at = ends.Next(delimiter);
      fields_[count++] = {field, static_cast<std::size_t>(at - field)};
    }
    if (*at == '\n') break;
    ++at;
  }
  if (at == end && !at_end_) return false;
  ends_ = ends;
  field_count_ = count;
  row_bytes_ = static_cast<std::size_t>(at - begin) + (at == end ? 0 : 1);
  std::string_view& last = fields_[count - 1];
  if (last.data() + last.size() == at && last.ends_with('\r')) last.remove_suffix(1);
  return true;
}

/// The closing quote of the field that opens at `open`; nullptr if the window ends before it.
const char* CsvReader::ScanQuoted(const char* open, const char* end) {
  const char* at = open + 1;
  bool doubled = false;
  while (true) {
    if (at >= end) return nullptr;
    at = static_cast<const char*>(std::memchr(at, '"', static_cast<std::size_t>(end - at)));
    if (at == nullptr) return nullptr;
    if (at + 1 == end && !at_end_) return nullptr;  // its twin may follow
    if (at + 1 == end || at[1] != '"') break;
    doubled = true;
    at += 2;
  }
  if (doubled) escaped_.push_back(field_count_);
  row_lines_ += std::count(open, at, '\n');
  return at;
}

void CsvReader::UnescapeFields() {
  for (const std::size_t column : escaped_) {
    std::string_view& field = fields_[column];
    field = Unescape(window_.begin() + (field.data() - window_.begin()), field.size());
  }
}

}  // namespace arena
