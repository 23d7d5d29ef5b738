// The few fields of a SentencePiece model file that its library does not tell.
#pragma once

#include <string>
#include <string_view>

namespace arena {

struct SentencePieceSpec {
  int model_type = 1;            ///< 1: unigram, 2: BPE, 3: word, 4: character
  bool add_dummy_prefix = true;  ///< a space is put before text
};

/// Reads them from the file's protobuf message; what is absent has the default of the format. What
/// is no protobuf message is left to the library to refuse.
SentencePieceSpec ReadSentencePieceSpec(std::string_view model);

/// The same model without the dummy prefix.
std::string WithoutDummyPrefix(std::string_view model);

}  // namespace arena
