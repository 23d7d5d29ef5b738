#!/usr/bin/env bash
# From a fresh Debian 12 machine to a trained model: installs what is missing, builds the program,
# runs the flywheel on the mini world (base and rivals are trained on the spot), and says where the
# results are. Running it again continues, and repeats only what is not there yet.
#
#   scripts/quickstart.sh           nine stages: 5 to 10 minutes on two cores after the build
#   scripts/quickstart.sh --fast    the same with smaller sizes: 2 to 3 minutes
set -euo pipefail
cd "$(dirname "$0")/.."

fast=() out=build/quickstart/mini
case "${1:-}" in
  "") ;;
  --fast) fast=(--fast) out=build/quickstart/mini-fast ;;
  *) echo "usage: scripts/quickstart.sh [--fast]" >&2; exit 2 ;;
esac

say() { printf '\n== %s\n' "$*"; }

say "packages"
scripts/install-deps.sh --run

say "build"
cmake --preset release -DARENA_TESTS=OFF -DARENA_BENCH=OFF > /dev/null
cmake --build --preset release --target arena arena-lm

arena=build/release/arena

say "flywheel: battle, select, train, evaluate, nine stages on the mini world"
"$arena" flywheel run -c examples/mini/arena.toml --workdir "$out" --seed 1 "${fast[@]}"

say "done"
cat <<END
The results:
  $out/report.html        ratings by stage, what was learned, battles to read: open it in a browser
  $out/leaderboard.json   the board for programs
  $out/checkpoints/       every model, in Hugging Face layout
Ask the trained model:    $arena serve --model $out/checkpoints/PPO-I3 --port 8080
Rank recorded answers:    $arena battle -c examples/small/arena.toml && $arena rank -c examples/small/arena.toml
Start with your own data: $arena init demo
END
