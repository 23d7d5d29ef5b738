#!/usr/bin/env bash
# Builds and runs every fuzz target on its kept corpus and on what earlier runs found.
#
#   scripts/fuzz.sh [SECONDS] [TARGET...]   seconds for each target (default 20); targets without
#                                           the prefix fuzz_, for example verdicts_lmsys (default all)
#
# Crashing inputs are left in build/fuzz/artifacts/, new inputs in build/fuzz/corpus/. Ends with 1 if
# a target crashed, hung or ran out of memory.
set -euo pipefail
cd "$(dirname "$0")/.."

export FUZZ_TIME=${1:-20}
case "$FUZZ_TIME" in
  *[!0-9]* | "") echo "usage: scripts/fuzz.sh [SECONDS] [TARGET...]" >&2; exit 2 ;;
esac
shift $(( $# > 0 ? 1 : 0 ))

export FUZZ_BUILD=${FUZZ_BUILD:-build/clang}
mkdir -p build/fuzz
if [ "$FUZZ_BUILD" = build/clang ]; then
  cmake --preset clang > build/fuzz/configure.log 2>&1 || { cat build/fuzz/configure.log; exit 1; }
fi
cmake --build "$FUZZ_BUILD" --target fuzzers

fuzz_one() {  # TARGET
  local name=$1 log=build/fuzz/$1.log
  mkdir -p "build/fuzz/corpus/$name" "build/fuzz/artifacts/$name" "fuzz/corpus/$name"
  if "$FUZZ_BUILD/fuzz_$name" -max_total_time="$FUZZ_TIME" -rss_limit_mb=2048 -timeout=20 \
      -print_final_stats=1 -artifact_prefix="build/fuzz/artifacts/$name/" \
      "build/fuzz/corpus/$name" "fuzz/corpus/$name" > "$log" 2>&1; then
    printf '%-28s %s runs\n' "$name" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")"
  else
    printf '%-28s FAILED\n' "$name"
    tail -n 40 "$log"
    return 1
  fi
}
export -f fuzz_one

if [ $# -gt 0 ]; then
  targets=("$@")
else
  targets=()
  for program in "$FUZZ_BUILD"/fuzz_*; do
    [ -x "$program" ] && targets+=("$(basename "$program" | sed 's/^fuzz_//')")
  done
fi
printf '%s\0' "${targets[@]}" | xargs -0 -n 1 -P "$(nproc)" bash -c 'fuzz_one "$1"' _ || exit 1
