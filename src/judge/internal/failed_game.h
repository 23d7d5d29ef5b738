// A game that could not be judged.
#pragma once

#include <string>
#include <utility>

#include "core/game.h"

namespace arena::judge_internal {

inline Game FailedGame(FailureKind failure, std::string error) {
  Game game;
  game.state = WorkState::kFailed;
  game.failure = failure;
  game.error = std::move(error);
  return game;
}

}  // namespace arena::judge_internal
