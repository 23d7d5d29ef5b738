#include "train/collective.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <csignal>
#include <optional>
#include <string_view>

#include "train/internal/gloo_collective.h"

namespace arena::train {
namespace {

constexpr int kMaxWorldSize = 1024;

Result<int> ParseNumber(const char* name, const char* text, int low, int high) {
  const std::string_view digits = text == nullptr ? "" : text;
  int number = 0;
  const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool is_whole = error == std::errc() && stop == digits.data() + digits.size();
  if (is_whole && low <= number && number <= high) return number;
  return InvalidInput(fmt::format("the environment has {}={}; it must be a number from {} to {}",
                                  name, digits.empty() ? "(nothing)" : digits, low, high));
}

// The only rank: nothing to wait for and nothing to add.
class SingleRank final : public Collective {
 public:
  int rank() const override { return 0; }
  int world_size() const override { return 1; }
  Status AllReduceSum(std::span<float>) override { return {}; }
  Status AllReduceSum(std::span<double>) override { return {}; }
  Status Broadcast(std::span<std::byte>) override { return {}; }
  Status Barrier() override { return {}; }
};

}  // namespace

Result<CollectiveOptions> CollectiveFromEnvironment(
    FunctionRef<const char*(const char*)> variable) {
  CollectiveOptions options;
  if (variable("WORLD_SIZE") == nullptr && variable("RANK") == nullptr) return options;
  ARENA_ASSIGN_OR_RETURN(options.world_size,
                         ParseNumber("WORLD_SIZE", variable("WORLD_SIZE"), 1, kMaxWorldSize));
  ARENA_ASSIGN_OR_RETURN(options.rank,
                         ParseNumber("RANK", variable("RANK"), 0, options.world_size - 1));
  if (options.world_size == 1) return options;
  const char* const address = variable("MASTER_ADDR");
  if (address == nullptr || *address == '\0') {
    return InvalidInput("the environment has WORLD_SIZE but no MASTER_ADDR, rank 0's address");
  }
  options.master_address = address;
  ARENA_ASSIGN_OR_RETURN(options.master_port,
                         ParseNumber("MASTER_PORT", variable("MASTER_PORT"), 1, 65535));
  return options;
}

Result<std::unique_ptr<Collective>> Collective::Connect(const CollectiveOptions& options) {
  if (options.world_size == 1) return std::make_unique<SingleRank>();
  // A rank that has gone is an error of the operation and not the end of this one.
  std::signal(SIGPIPE, SIG_IGN);
  return internal::ConnectByGloo(options);
}

}  // namespace arena::train
