#!/usr/bin/env bash
# Installs what is missing, builds, and runs all tests: the release build's, the same under
# AddressSanitizer and UndefinedBehaviorSanitizer, what has threads under ThreadSanitizer, and every
# fuzz target for a short time. Ends with CTest's summary of the release build.
#
#   scripts/test.sh           everything
#   scripts/test.sh --quick   the release build and its tests only
#
# FUZZ_SECONDS (default 20): time for each fuzz target.
set -euo pipefail
cd "$(dirname "$0")/.."

quick=false
case "${1:-}" in
  "") ;;
  --quick) quick=true ;;
  *) echo "usage: scripts/test.sh [--quick]" >&2; exit 2 ;;
esac

say() { printf '\n== %s (after %d s)\n' "$*" "$SECONDS"; }
configure_and_build() {  # PRESET [TARGET...]
  local preset=$1
  shift
  say "build: $preset"
  cmake --preset "$preset" "${werror[@]}" > "build/$preset.configure.log" 2>&1 ||
    { cat "build/$preset.configure.log"; exit 1; }
  cmake --build --preset "$preset" ${@:+--target "$@"}
}
run_tests() {  # PRESET [CTEST OPTION...]
  local preset=$1
  shift
  say "tests: $preset"
  ctest --test-dir "build/$preset" --no-tests=error --output-on-failure -j "$(nproc)" "$@"
}

mkdir -p build
# The same objects serve another checkout of the same sources.
export CCACHE_BASEDIR=$PWD
# What is not in the cache is read once, by the compiler, and not by the preprocessor before it.
export CCACHE_DEPEND=1
werror=()  # warnings are errors in CI only
[ -z "${CI:-}" ] || werror=(-DARENA_WERROR=ON)

say "packages"
scripts/install-deps.sh
scripts/install-npm.sh

configure_and_build release
if ! $quick; then
  configure_and_build asan
  run_tests asan -LE "style|slow|interop"
  configure_and_build tsan threaded_tests
  run_tests tsan -L threads
  say "fuzz targets"
  scripts/fuzz.sh "${FUZZ_SECONDS:-20}"
fi
run_tests release
