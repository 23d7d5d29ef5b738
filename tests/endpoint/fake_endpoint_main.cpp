// The fake endpoint as a process of its own: prints its port, serves until its stdin ends, then
// prints how many requests came.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

#include "tests/endpoint/fake_endpoint.h"

int main(int argc, char** argv) {
  arena::FakeEndpointOptions options;
  if (argc > 1) options.latency = std::chrono::milliseconds(std::atoi(argv[1]));
  if (argc > 2) options.fault_rate = std::atof(argv[2]);
  const arena::FakeEndpoint endpoint(options);
  fmt::print("{}\n", endpoint.port());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  fmt::print("{} requests, at most {} at once, {} connections\n", endpoint.received(),
             endpoint.most_at_once(), endpoint.connections());
  return 0;
}
