#!/usr/bin/env bash
# The checks that take long, in full, with their results as JSON under docs/evidence/: the speed
# comparisons of bench/compare.py and the coverage of the intervals on 20 times the simulated boards
# of the tests. A result that the current commit has already is not made again; delete its file to
# repeat it. Needs the release build (scripts/test.sh --quick).
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/install-deps.sh --bench
out=docs/evidence
mkdir -p "$out"
commit=$(git rev-parse HEAD)
cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)

have() {  # FILE
  [ -f "$1" ] && grep -q "\"commit\": \"$commit\"" "$1" && echo "$1 is there for this commit"
}

if ! have "$out/coverage.json"; then
  log=$(mktemp)
  ARENA_COVERAGE_FACTOR=20 build/release/intervals_test --gtest_filter='Coverage.*' | tee "$log"
  {
    printf '{\n  "commit": "%s",\n  "machine": "%s, %s cores",\n  "seed": 99,\n  "what": ' \
      "$commit" "$cpu" "$(nproc)"
    printf '"share of nominal 95%% intervals that hold the true rating; answers are shared by battles",\n'
    printf '  "results": {'
    sed -nE 's/^COVERAGE ([a-z]+) boards=([0-9]+) clustered=([0-9.]+)% independent=([0-9.]+)%$/"\1": {"boards": \2, "clustered_percent": \3, "independent_percent": \4}/p' \
      "$log" | paste -sd,
    printf '  }\n}\n'
  } > "$out/coverage.json"
  rm "$log"
fi

if ! have "$out/speed.json"; then
  /usr/bin/python3 bench/compare.py --runs 5 --out "$out/speed.json"
fi
echo "results: $out/coverage.json $out/speed.json"
