// Text columns that survive any bytes on every database.
//
// PostgreSQL refuses NUL and invalid UTF-8 in TEXT. Text is therefore stored with every such byte,
// and the escape character U+001A (SUBSTITUTE) itself, written as U+001A and two lower-case
// hexadecimal digits. Any other text is stored as it is.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace arena::store {

/// Valid UTF-8 without NUL that DecodeText turns back into `bytes`.
std::string EncodeText(std::string_view bytes);

/// Error: `stored` is not something that EncodeText writes.
Result<std::string> DecodeText(std::string_view stored);

/// A list of texts in one column: the encoded texts with U+001A and a comma between them; a list
/// without elements is U+001A and a minus sign. A list of one text is that text.
std::string EncodeList(std::span<const std::string> texts);
Result<std::vector<std::string>> DecodeList(std::string_view stored);

/// The number of bytes at the start of `bytes` that make one valid UTF-8 sequence (RFC 3629: no
/// surrogates, no overlong forms, at most U+10FFFF), or 0 where there is none.
std::size_t Utf8Length(std::string_view bytes);

}  // namespace arena::store
