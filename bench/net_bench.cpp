// The HTTP client at 512 in flight against a server in a process of its own that takes 200 ms for
// each reply: share of the ideal throughput, CPU per request, growth of memory.
//
//   net_bench [REQUESTS] [IN_FLIGHT] [LATENCY_MS]
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "chat/endpoint_contestant.h"
#include "net/client.h"

namespace arena {
namespace {

using Steady = std::chrono::steady_clock;

/// The server's process; ends with its standard input.
struct Server {
  pid_t pid = -1;
  int to = -1;
  std::FILE* from = nullptr;
};

Server StartServer(const std::string& latency_ms) {
  std::array<int, 2> in{}, out{};
  if (::pipe(in.data()) != 0 || ::pipe(out.data()) != 0) std::abort();
  Server server;
  server.pid = ::fork();
  if (server.pid == 0) {
    ::dup2(in[0], STDIN_FILENO);
    ::dup2(out[1], STDOUT_FILENO);
    for (const int fd : {in[0], in[1], out[0], out[1]}) ::close(fd);
    ::execl(ARENA_FAKE_ENDPOINT, ARENA_FAKE_ENDPOINT, latency_ms.c_str(), nullptr);
    ::_exit(127);
  }
  ::close(in[0]);
  ::close(out[1]);
  server.to = in[1];
  server.from = ::fdopen(out[0], "r");
  return server;
}

double CpuSeconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double ResidentMib() {
  std::ifstream statm("/proc/self/statm");
  long size = 0, resident = 0;
  statm >> size >> resident;
  return static_cast<double>(resident * ::sysconf(_SC_PAGESIZE)) / (1 << 20);
}

struct Load {
  std::atomic<long> next = 0;
  std::atomic<long> failed = 0;
  std::atomic<double> early_mib = 0;  // when everything has been in use
};

void Ask(EndpointContestant& model, long requests, Load& load) {
  for (long i = load.next++; i < requests; i = load.next++) {
    if (i == requests / 4) load.early_mib = ResidentMib();
    const auto answer = model.Respond(MakeInstruction(fmt::format("Say the number {}.", i)), 0);
    if (!answer.ok() || answer->state != WorkState::kDone) ++load.failed;
  }
}

int Run(long requests, int in_flight, long latency_ms) {
  const Server server = StartServer(std::to_string(latency_ms));
  int port = 0;
  if (std::fscanf(server.from, "%d", &port) != 1) return 1;
  const auto client = HttpClient::Make({});
  LaneOptions limits;
  limits.max_in_flight = in_flight;
  EndpointOptions options;
  options.name = options.model = "m";
  options.base_url = fmt::format("http://127.0.0.1:{}/v1", port);
  const auto model = *EndpointContestant::Make(options, *client, client->AddEndpoint(limits, {}));
  Load load;
  const double cpu_start = CpuSeconds();
  const auto start = Steady::now();
  std::vector<std::thread> callers;
  for (int t = 0; t < in_flight; ++t) {
    callers.emplace_back([&] { Ask(*model, requests, load); });
  }
  for (std::thread& caller : callers) caller.join();
  const double seconds = std::chrono::duration<double>(Steady::now() - start).count();
  const double cpu = CpuSeconds() - cpu_start;
  const double ideal = in_flight / (static_cast<double>(latency_ms) / 1000);
  const double rate = static_cast<double>(requests) / seconds;
  fmt::print(
      "{} requests at {} in flight, {} ms each: {:.1f} s, {:.0f}/s of {:.0f}/s ({:.1f}%), "
      "{:.0f} us CPU each, {} failed, {:.1f} MiB after a quarter, {:+.1f} MiB at the end\n",
      requests, in_flight, latency_ms, seconds, rate, ideal, 100 * rate / ideal,
      1e6 * cpu / static_cast<double>(requests), load.failed.load(), load.early_mib.load(),
      ResidentMib() - load.early_mib);
  ::close(server.to);
  std::array<char, 200> line{};
  std::fgetc(server.from);  // the end of the first line
  if (std::fgets(line.data(), static_cast<int>(line.size()), server.from) != nullptr) {
    fmt::print("server: {}", line.data());
  }
  ::waitpid(server.pid, nullptr, 0);
  return load.failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace arena

int main(int argc, char** argv) {
  const long requests = argc > 1 ? std::atol(argv[1]) : 50'000;
  const int in_flight = argc > 2 ? std::atoi(argv[2]) : 512;
  const long latency_ms = argc > 3 ? std::atol(argv[3]) : 200;
  return arena::Run(requests, in_flight, latency_ms);
}
