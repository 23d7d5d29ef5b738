#include "base/interrupt.h"

#include <csignal>

namespace arena {
namespace {

volatile std::sig_atomic_t interrupted = 0;

void OnSignal(int number) {
  interrupted = 1;
  // The next signal takes the default action and ends the process.
  std::signal(number, SIG_DFL);
}

}  // namespace

void InstallInterruptHandler() {
  std::signal(SIGINT, OnSignal);
  std::signal(SIGTERM, OnSignal);
}

bool Interrupted() { return interrupted != 0; }

}  // namespace arena
