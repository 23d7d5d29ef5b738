// The tokenizer of a SentencePiece model.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "text/internal/token_names.h"
#include "text/tokenizer.h"

namespace arena {

/// Makes the tokenizer of the content of a tokenizer.model; `names` come from the files beside it.
/// Errors do not name the file.
Result<std::unique_ptr<Tokenizer>> MakeSentencePieceTokenizer(std::string_view content,
                                                              const TokenNames& names);

}  // namespace arena
