// arena-lm: runs or trains a language model for the process that started it.
#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string_view>

#include "lm/kernels.h"
#include "lm/worker.h"
#include "train/run.h"

namespace {

constexpr std::string_view kHelp =
    "arena-lm - runs or trains a language model for another program\n"
    "\n"
    "  arena-lm             answer requests from standard input, one JSON object a line\n"
    "  arena-lm train JOB   run the training job of this file; one process for each rank\n"
    "  arena-lm --help      this text\n"
    "  arena-lm --version   version and protocol\n"
    "\n"
    "arena starts it by itself. By hand:\n"
    "\n"
    "  printf '%s\\n' '{\"type\":\"hello\",\"protocol\":1,\"model\":\"DIR\"}' \\\n"
    "    '{\"type\":\"generate\",\"id\":\"a\",\"prompt\":[1,2],\"max_new_tokens\":5}' | arena-lm\n"
    "\n"
    "Answers go to standard output, messages for people to standard error. It uses one thread to\n"
    "compute; start one for each processor. docs/formats/lm-protocol.md has the protocol,\n"
    "training-job.md beside it the jobs.\n";

}  // namespace

int main(int argc, char** argv) {
  const std::string_view argument = argc > 1 ? argv[1] : "";
  if (argc == 2 && (argument == "--help" || argument == "-h")) {
    fmt::print("{}", kHelp);
    return 0;
  }
  if (argc == 2 && argument == "--version") {
    fmt::print("arena-lm {} (protocol 1)\n", ARENA_VERSION);
    return 0;
  }
  const bool is_training = argument == "train" && argc == 3;
  if (argument == "train" && !is_training) {
    fmt::print(stderr, "arena-lm: train needs one job file; see arena-lm --help\n");
    return 2;
  }
  if (argc > 1 && !is_training) {
    fmt::print(stderr, "arena-lm: unknown argument {}; see arena-lm --help\n", argument);
    return 2;
  }
  const char* kernels = std::getenv("ARENA_LM_KERNELS");
  if (kernels != nullptr && arena::lm::KernelsNamed(kernels) == nullptr) {
    fmt::print(stderr, "arena-lm: ARENA_LM_KERNELS={} is unknown or not for this processor\n",
               kernels);
    return 2;
  }
  // A reader that went away is seen by the failing write.
  std::signal(SIGPIPE, SIG_IGN);
  if (is_training) return arena::train::RunTraining(argv[2], STDOUT_FILENO);
  return arena::lm::RunWorker(STDIN_FILENO, STDOUT_FILENO);
}
