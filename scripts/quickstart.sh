#!/usr/bin/env bash
# From a fresh Debian 12 machine to a leaderboard: installs what is missing, builds the program,
# plays a small arena of recorded answers, and says where the results are. Running it again repeats
# only what is not there yet.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\n== %s\n' "$*"; }

say "packages"
scripts/install-deps.sh --run

say "build"
cmake --preset release -DARENA_TESTS=OFF -DARENA_BENCH=OFF > /dev/null
cmake --build --preset release --target arena

arena=build/release/arena
out=build/quickstart
mkdir -p "$out"

say "battles: recorded answers of five contestants to the questions of examples/small"
"$arena" battle -c examples/small/arena.toml --store "$out/small.db"

say "leaderboard"
"$arena" rank -c examples/small/arena.toml --store "$out/small.db" --html "$out/board.html"
"$arena" rank -c examples/small/arena.toml --store "$out/small.db" --json > "$out/board.json"

say "done"
cat <<END
The results:
  $out/board.html   the leaderboard with plots: open it in a browser
  $out/board.json   the same for programs
  $out/small.db     every answer, game and verdict
Look at single battles:  $arena show --store $out/small.db
Start with your own data: $arena init demo
END
