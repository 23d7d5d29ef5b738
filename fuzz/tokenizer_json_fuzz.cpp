// tokenizer.json: hostile files are refused or give a tokenizer that keeps its promises. The input
// is the file, and after a zero byte a text; without one, the file is the text too.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "check.h"
#include "text/internal/token_names.h"
#include "text/internal/tokenizer_json.h"
#include "text/streaming_detokenizer.h"

namespace {

using arena::TokenId;
using arena::Tokenizer;
using arena::fuzz::Demand;

void CheckIds(const Tokenizer& tokenizer, const std::vector<TokenId>& ids) {
  for (const TokenId id : ids) {
    Demand(id >= 0 && static_cast<std::size_t>(id) < tokenizer.vocabulary_size(),
           "ids are in range");
  }
}

void CheckPlain(const Tokenizer& tokenizer, std::string_view text) {
  const std::vector<TokenId> ids = tokenizer.Encode(text);
  CheckIds(tokenizer, ids);
  const auto view = tokenizer.Vocabulary();
  for (const TokenId id : ids) {
    const bool control = view.types[static_cast<std::size_t>(id)] == arena::TokenType::kControl;
    // A character that is a token by itself may be called special, and so may the unknown token.
    const bool may_be = id == tokenizer.unk_id() || tokenizer.TokenText(id).size() <= 4;
    Demand(!control || may_be, "plain text gives no special token");
  }
  arena::fuzz::Touch(tokenizer.Decode(ids, false));
  arena::fuzz::Touch(tokenizer.Decode(ids, true));
  arena::StreamingDetokenizer stream(tokenizer, false);
  for (const TokenId id : ids) arena::fuzz::Touch(stream.Add(id));
  Demand(stream.Finish().size() <= 3, "little is held back");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(input.find('\0'), input.size());
  const std::string_view file = input.substr(0, end);
  const std::string_view rest = end < input.size() ? input.substr(end + 1) : file;
  const std::string text(rest.substr(0, 4096));
  const auto tokenizer = arena::MakeTokenizerFromJson(file, arena::TokenNames());
  if (!tokenizer.ok()) {
    Demand(!tokenizer.error().message.empty(), "an error says what is wrong");
    return 0;
  }
  CheckPlain(**tokenizer, text);
  CheckIds(**tokenizer, (*tokenizer)->EncodePrompt({text, {{0, text.size()}}}));
  return 0;
}
