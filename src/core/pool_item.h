// What curation works on: the items of a raw pool of instructions.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "base/result.h"
#include "core/conversation.h"

namespace arena {

/// A mark in the data that speaks against an item.
struct ItemFlag {
  std::string name;    ///< the field: "openai_moderation", "toxic", "redacted"
  std::string detail;  ///< what it says more, for people ("harassment, violence"); may be empty
};

/// The columns that `arena score` adds to a pool.
inline constexpr std::string_view kInstructionScores[] = {"length", "difficulty", "tags", "ifd"};

struct InstructionScore {
  std::string name;
  double value = 0;
};

/// One conversation of a pool, with its answers where the data has some.
struct PoolItem {
  std::uint32_t file = 0;  ///< the number of its file among the inputs
  std::int64_t line = 0;   ///< where it begins in the file, from 1
  std::string id;          ///< as in its file, or empty
  std::string category;    ///< empty: none
  Conversation conversation;
  std::vector<ItemFlag> flags;  ///< what the data says against it
  std::optional<double> score;  ///< of its quality, larger is better, where the data has one
  std::vector<InstructionScore> scores;  ///< those of kInstructionScores that the data has
};

/// What an item asks: its user turns, one newline between two. System prompts and answers are left
/// out, so that the same question under another prompt or with another answer is the same.
std::string PromptText(const Conversation& conversation);

/// Receives items. The item is valid during the call.
using PoolSink = FunctionRef<Status(const PoolItem&)>;

/// A pool that can be gone through several times: calls the sink for every item, each time the same
/// items in the same order. Returns the sink's error, or its own.
using PoolSource = std::function<Status(PoolSink)>;

}  // namespace arena
