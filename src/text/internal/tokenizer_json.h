// Reads tokenizer.json.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "text/internal/token_names.h"
#include "text/tokenizer.h"

namespace arena {

/// Makes the tokenizer that the content of a tokenizer.json describes; `names` come from the files
/// beside it. Errors name the component that is wrong or unsupported, and not the file.
Result<std::unique_ptr<Tokenizer>> MakeTokenizerFromJson(std::string_view content,
                                                         const TokenNames& names);

}  // namespace arena
