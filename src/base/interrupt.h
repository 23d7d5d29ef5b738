// Ctrl-C: finish what is in flight, keep it, stop.
#pragma once

namespace arena {

/// From now on the first SIGINT or SIGTERM only sets a flag; a second one ends the process at once.
void InstallInterruptHandler();

/// True after the first SIGINT or SIGTERM. Thread-safe.
bool Interrupted();

}  // namespace arena
