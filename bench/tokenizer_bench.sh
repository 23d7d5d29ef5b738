#!/usr/bin/env bash
# Speed of encoding beside @huggingface/tokenizers on the same texts, medians of five passes on one
# thread each, in one run. Needs node and the shared data (ARENA_SHARED, default ../shared).
#
#   bench/tokenizer_bench.sh [BUILD]   default build/release
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build/release}
cmake --build "$build" --target encode_lines arena
node tests/interop/tokenizers.mjs "$build/encode_lines" "$build/arena" --speed
