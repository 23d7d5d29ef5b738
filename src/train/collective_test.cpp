#include "train/collective.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/child_process.h"
#include "train/internal/shared_memory.h"
#include "train/internal/socket.h"

namespace arena::train {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::StartsWith;

using Variables = std::map<std::string, std::string>;

Result<CollectiveOptions> FromVariables(const Variables& variables) {
  return CollectiveFromEnvironment([&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

TEST(CollectiveFromEnvironmentTest, ReadsWhatTorchrunSets) {
  const auto options = FromVariables({{"RANK", "3"},
                                      {"LOCAL_RANK", "1"},
                                      {"WORLD_SIZE", "4"},
                                      {"MASTER_ADDR", "node-1"},
                                      {"MASTER_PORT", "29500"}});
  ASSERT_TRUE(options.ok()) << options.error().message;
  EXPECT_EQ(options->rank, 3);
  EXPECT_EQ(options->world_size, 4);
  EXPECT_EQ(options->master_address, "node-1");
  EXPECT_EQ(options->master_port, 29500);
}

TEST(CollectiveFromEnvironmentTest, WithoutVariablesThereIsOneRank) {
  const auto options = FromVariables({});
  ASSERT_TRUE(options.ok());
  EXPECT_EQ(options->rank, 0);
  EXPECT_EQ(options->world_size, 1);
}

TEST(CollectiveFromEnvironmentTest, RefusesWhatIsMissingOrWrong) {
  const auto error = [](const Variables& variables) {
    const auto options = FromVariables(variables);
    return options.ok() ? "no error" : options.error().message;
  };
  EXPECT_THAT(error({{"RANK", "0"}}), HasSubstr("WORLD_SIZE=(nothing)"));
  EXPECT_THAT(error({{"WORLD_SIZE", "2"}}), HasSubstr("RANK=(nothing)"));
  EXPECT_THAT(error({{"WORLD_SIZE", "2"}, {"RANK", "2"}}), HasSubstr("RANK=2; it must be a number "
                                                                     "from 0 to 1"));
  EXPECT_THAT(error({{"WORLD_SIZE", "2x"}, {"RANK", "0"}}), HasSubstr("WORLD_SIZE=2x"));
  EXPECT_THAT(error({{"WORLD_SIZE", "2"}, {"RANK", "0"}}), HasSubstr("no MASTER_ADDR"));
  EXPECT_THAT(error({{"WORLD_SIZE", "2"}, {"RANK", "0"}, {"MASTER_ADDR", "a"}}),
              HasSubstr("MASTER_PORT=(nothing)"));
}

TEST(CollectiveTest, ASingleRankNeedsNoNetwork) {
  const auto collective = Collective::Connect({});
  ASSERT_TRUE(collective.ok());
  std::vector<float> values = {1, 2};
  EXPECT_TRUE((*collective)->AllReduceSum(values).ok());
  EXPECT_EQ(values, (std::vector<float>{1, 2}));
  EXPECT_TRUE((*collective)->Barrier().ok());
}

// A port that was free a moment ago.
int FreePort() {
  const internal::Socket socket(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(socket.fd(), reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::getsockname(socket.fd(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  return ntohs(address.sin_port);
}

class Ranks {
 public:
  /// They add up in shared memory ("memory") or over Gloo ("gloo").
  explicit Ranks(int timeout_ms, std::string way = "memory")
      : timeout_ms_(timeout_ms), way_(std::move(way)) {}

  void Start(int rank, int world_size, const std::vector<std::string>& scenario) {
    ChildProcess::Options options = {.program = "env"};
    options.arguments = {"RANK=" + std::to_string(rank),
                         "WORLD_SIZE=" + std::to_string(world_size),
                         "MASTER_ADDR=127.0.0.1",
                         "MASTER_PORT=" + std::to_string(port_),
                         ProgramFolder() + "/collective_test_rank",
                         std::to_string(timeout_ms_),
                         way_};
    options.arguments.insert(options.arguments.end(), scenario.begin(), scenario.end());
    auto process = ChildProcess::Start(options);
    ASSERT_TRUE(process.ok()) << process.error().message;
    processes_.push_back(std::move(*process));
  }
  void StartAll(int world_size, const std::vector<std::string>& scenario) {
    for (int rank = 0; rank < world_size; ++rank) Start(rank, world_size, scenario);
  }

  /// All that the i-th one started has printed, when it has ended.
  std::string Output(std::size_t i) {
    std::string output;
    char buffer[4096];
    while (true) {
      const auto got = processes_[i].Read(buffer, sizeof buffer, std::chrono::seconds(60));
      if (!got.ok() || !*got) return output + "(no end)";
      if (**got == 0) return output;
      output.append(buffer, **got);
    }
  }
  std::vector<std::string> Outputs() {
    std::vector<std::string> outputs;
    for (std::size_t i = 0; i < processes_.size(); ++i) outputs.push_back(Output(i));
    return outputs;
  }
  ChildProcess& process(std::size_t i) { return processes_[i]; }
  int port() const { return port_; }

 private:
  int timeout_ms_;
  std::string way_;
  int port_ = FreePort();
  std::vector<ChildProcess> processes_;
};

class CollectiveWaysTest : public ::testing::TestWithParam<std::string> {};

TEST_P(CollectiveWaysTest, SumsHaveTheSameBitsOnAllRanksAndInEveryRun) {
  for (const int world_size : {2, 3, 4}) {
    std::string first;
    for (int run = 0; run < 2; ++run) {
      Ranks ranks(60'000, GetParam());
      ranks.StartAll(world_size, {"sums"});
      const std::vector<std::string> outputs = ranks.Outputs();
      EXPECT_THAT(outputs, Each(StartsWith("ok ")));
      if (run == 0) first = outputs[0];
      EXPECT_THAT(outputs, Each(first));
    }
  }
}

TEST_P(CollectiveWaysTest, ARankThatEndsEndsTheOthers) {
  for (const int ending : {0, 2}) {
    Ranks ranks(60'000, GetParam());
    ranks.StartAll(4, {"end", std::to_string(ending)});
    for (int rank = 0; rank < 4; ++rank) {
      if (rank == ending) continue;
      EXPECT_EQ(ranks.Output(static_cast<std::size_t>(rank)),
                "the sum over ranks failed: rank " + std::to_string(ending) + " has ended\n");
    }
  }
}

TEST_P(CollectiveWaysTest, ARankThatStallsEndsTheOthersAfterTheTimeout) {
  Ranks ranks(1500, GetParam());
  ranks.StartAll(3, {"stall", "1"});
  for (const std::size_t rank : {0, 2}) {
    EXPECT_EQ(ranks.Output(rank), "the sum over ranks failed: rank 1 did not come within 1.5 s\n");
  }
  ranks.process(1).Kill();
}

INSTANTIATE_TEST_SUITE_P(Collective, CollectiveWaysTest, ::testing::Values("memory", "gloo"));

TEST(SharedMemoryTest, IsOneForAllWhoOpenItUntilItsNameIsRemoved) {
  auto made = internal::SharedMemory::Create(8192);
  ASSERT_TRUE(made.ok()) << made.error().message;
  auto opened = internal::SharedMemory::Open(made->name(), 8192);
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  made->bytes()[8191] = std::byte{7};
  EXPECT_EQ(opened->bytes()[8191], std::byte{7});
  made->RemoveName();
  EXPECT_THAT(internal::SharedMemory::Open(made->name(), 8192).error().message,
              HasSubstr("opening shared memory: No such file"));
  EXPECT_EQ(opened->bytes()[8191], std::byte{7});
  EXPECT_FALSE(internal::SharedMemory::Create(std::size_t{1} << 50).ok());
}

TEST(CollectiveTest, ARankThatNeverComesIsNamed) {
  Ranks ranks(1000);
  ranks.Start(0, 3, {"sums"});
  ranks.Start(1, 3, {"sums"});
  EXPECT_THAT(ranks.Outputs(), Each(HasSubstr("connecting the ranks failed: rank ")));
}

TEST(CollectiveTest, RefusesAnotherWorldSizeAndARankThatComesTwice) {
  Ranks ranks(2000);
  ranks.Start(0, 2, {"sums"});
  ranks.Start(1, 3, {"sums"});
  EXPECT_THAT(ranks.Output(1),
              HasSubstr("it was started with WORLD_SIZE=2, rank 1 with WORLD_SIZE=3"));
  EXPECT_EQ(ranks.Output(0), "connecting the ranks failed: rank 1 did not come within 2 s\n");

  Ranks twice(2000);
  twice.Start(0, 3, {"sums"});
  twice.Start(1, 3, {"sums"});
  twice.Start(1, 3, {"sums"});
  const std::vector<std::string> outputs = twice.Outputs();
  EXPECT_THAT(outputs[1] + outputs[2], HasSubstr("RANK=1 is taken"));
}

TEST(CollectiveTest, APortInUseIsAnError) {
  Ranks ranks(1000);
  const auto taken = internal::Listen({"127.0.0.1", ranks.port()});
  ASSERT_TRUE(taken.ok()) << taken.error().message;
  ranks.Start(0, 2, {"sums"});
  EXPECT_EQ(ranks.Output(0), "cannot listen on 127.0.0.1:" + std::to_string(ranks.port()) +
                                 ": Address already in use; choose another MASTER_ADDR or "
                                 "MASTER_PORT\n");
}

TEST(CollectiveTest, WithoutRank0TheOthersSayWhereTheyLooked) {
  Ranks ranks(300);
  ranks.Start(1, 2, {"sums"});
  EXPECT_EQ(ranks.Output(0), "cannot connect to 127.0.0.1:" + std::to_string(ranks.port()) +
                                 ": Connection refused\n");
}

}  // namespace
}  // namespace arena::train
