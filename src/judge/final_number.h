// The number that an answer gives as its result.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "judge/written_number.h"

namespace arena {

struct FinalNumber {
  FoundNumber number;
  std::string shown;       ///< as written, cut to 40 bytes; for messages
  std::string_view where;  ///< "`A:`", ..., "the last number" or "the whole answer"
};

/// The number after the last answer mark (answer_mark.h) that announces one. In its field the
/// number counts that begins it ("18 eggs of 20"), else the one after the last `=` ("x = 18", "3 +
/// 15 = 18"), else the last. Without such a mark: the only number of a text that is one number with
/// at most a unit; else, if `last_number`, the last number of the text. Linear time.
std::optional<FinalNumber> FindFinalNumber(std::string_view text, bool last_number);

}  // namespace arena
