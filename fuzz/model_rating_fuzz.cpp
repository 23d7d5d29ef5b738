// Replies of a model that was asked for a rating.
#include <cstdint>
#include <string_view>

#include "check.h"
#include "curate/model_rater.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using arena::fuzz::Demand;
  const std::string_view reply(reinterpret_cast<const char*>(data), size);
  const auto difficulty = arena::ParseDifficulty(reply);
  Demand(!difficulty || (*difficulty >= 0 && *difficulty <= 10), "a difficulty is from 0 to 10");
  const auto tags = arena::ParseTagCount(reply);
  Demand(!tags || (*tags >= 0 && *tags <= 50), "a number of tags is from 0 to 50");
  return 0;
}
