// One rank of the tests of collectives: a program that they start several times.
//
//   collective_test_rank TIMEOUT_MS memory|gloo SCENARIO [RANK]
//
// adds up in shared memory or over Gloo and prints "ok" and a hash of all results, or the error. In
// the scenarios "end" and "stall" that rank ends or stops where the others add up.
#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/rng.h"
#include "train/collective.h"

namespace arena::train {
namespace {

template <typename Number>
std::vector<Number> RankNumbers(std::size_t size, int rank) {
  Rng rng(size, static_cast<std::uint64_t>(rank));
  std::vector<Number> numbers(size);
  for (Number& number : numbers) number = static_cast<Number>(rng.Uniform() - 0.5);
  return numbers;
}

// Sums of several sizes, held against sums in rank order; their bits go into the hash.
template <typename Number>
Status Sum(Collective& collective, double tolerance, KeyBuilder& hash) {
  for (const std::size_t size : {1, 3, 64, 1'000'003}) {
    std::vector<Number> sums = RankNumbers<Number>(size, collective.rank());
    ARENA_RETURN_IF_ERROR(collective.AllReduceSum(sums));
    std::vector<double> expected(size);
    for (int rank = 0; rank < collective.world_size(); ++rank) {
      const std::vector<Number> numbers = RankNumbers<Number>(size, rank);
      for (std::size_t i = 0; i < size; ++i) expected[i] += static_cast<double>(numbers[i]);
    }
    for (std::size_t i = 0; i < size; ++i) {
      if (std::abs(static_cast<double>(sums[i]) - expected[i]) > tolerance) {
        return InternalError(
            fmt::format("sum {} of {} is {}, not {}", i, size, sums[i], expected[i]));
      }
    }
    hash.Add({reinterpret_cast<const char*>(sums.data()), sums.size() * sizeof(Number)});
  }
  return {};
}

Status SumAndShare(Collective& collective, KeyBuilder& hash) {
  ARENA_RETURN_IF_ERROR(Sum<float>(collective, 1e-6, hash));
  ARENA_RETURN_IF_ERROR(Sum<double>(collective, 1e-15, hash));
  ARENA_RETURN_IF_ERROR(collective.AllReduceSum(std::span<float>()));
  std::string text = collective.rank() == 0 ? "of rank 0" : "another's";
  ARENA_RETURN_IF_ERROR(collective.Broadcast(std::as_writable_bytes(std::span(text))));
  hash.Add(text);
  if (text != "of rank 0") return InternalError("the broadcast brought " + text);
  return collective.Barrier();
}

Status RunScenario(const CollectiveOptions& options, std::string_view scenario, int chosen,
                   KeyBuilder& hash) {
  ARENA_ASSIGN_OR_RETURN(const std::unique_ptr<Collective> collective,
                         Collective::Connect(options));
  if (scenario == "sums") return SumAndShare(*collective, hash);
  ARENA_RETURN_IF_ERROR(collective->Barrier());
  if (options.rank == chosen && scenario == "end") ::_exit(3);
  if (options.rank == chosen && scenario == "stall") ::pause();
  std::vector<float> values(100'000, 1);
  const Status status = collective->AllReduceSum(values);
  if (status.ok()) return InternalError("a sum without one of the ranks");
  if (collective->Barrier().ok()) return InternalError("a barrier after a failure");
  return status;
}

int Main(int argc, char** argv) {
  if (argc < 4) return 2;
  auto options = CollectiveFromEnvironment([](const char* name) { return std::getenv(name); });
  Status status = options.ok() ? Status() : Status(tl::unexpected(options.error()));
  KeyBuilder hash("results");
  if (status.ok()) {
    options->timeout = std::chrono::milliseconds(std::atoi(argv[1]));
    options->share_memory = std::string_view(argv[2]) == "memory";
    status = RunScenario(*options, argv[3], argc > 4 ? std::atoi(argv[4]) : -1, hash);
  }
  std::puts(status.ok() ? ("ok " + hash.Build().Hex()).c_str() : status.error().message.c_str());
  return status.ok() ? 0 : 1;
}

}  // namespace
}  // namespace arena::train

int main(int argc, char** argv) { return arena::train::Main(argc, argv); }
