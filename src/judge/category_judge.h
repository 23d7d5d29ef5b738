// One judge for each category of instructions.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "core/game.h"

namespace arena {

/// A judge that hands each game to the judge of its instruction's category, or to `otherwise`. It
/// is named as `otherwise`; its behaviour is that of all of them, so a change of one of them gives
/// it another key. Thread-safe as its judges are.
std::unique_ptr<Judge> MakeCategoryJudge(
    std::map<std::string, std::unique_ptr<Judge>, std::less<>> by_category,
    std::unique_ptr<Judge> otherwise);

}  // namespace arena
