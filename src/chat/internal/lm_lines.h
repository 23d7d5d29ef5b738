// The lines of docs/formats/lm-protocol.md, as arena writes and reads them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "chat/generation.h"
#include "chat/lm_pool.h"

namespace arena::lm_lines {

// Requests, without the line's end.
std::string Hello(const LmPoolOptions& options);
std::string Generate(std::uint64_t id, const Generation& generation, bool stream);
std::string Score(std::uint64_t id, std::span<const TokenId> prompt,
                  std::span<const TokenId> answer);
std::string Reward(std::uint64_t id, std::span<const TokenId> prompt,
                   std::span<const TokenId> answer);
std::string Embed(std::uint64_t id, std::span<const TokenId> tokens);
std::string Batch(std::uint64_t id, std::span<const Generation> generations);
std::string Cancel(std::uint64_t id);
std::string Stats();

// Replies.
struct Ready {
  LoadedModel model;
};
struct More {
  std::uint64_t id = 0;
  GeneratedTokens tokens;
};
struct Done {
  std::uint64_t id = 0;
  GeneratedAnswer answer;
};
struct Numbers {
  std::uint64_t id = 0;
  std::vector<float> values;
};
struct Rewarded {
  std::uint64_t id = 0;
  double reward = 0;
};
struct BatchDone {
  std::uint64_t id = 0;
  std::vector<Result<GeneratedAnswer>> answers;
};
struct Failed {
  std::uint64_t id = 0;  ///< 0: of no request
  std::string message;
};
struct Alive {};
using Reply = std::variant<Ready, More, Done, Numbers, Rewarded, BatchDone, Failed, Alive>;

/// Error: the line is none of the protocol's.
Result<Reply> Parse(std::string_view line);

}  // namespace arena::lm_lines
