#!/usr/bin/env bash
# The checks that take long, in full, with their results as JSON under docs/evidence/. Each part can
# be ended and run again: what is there is not made again; delete a result to repeat it. Needs the
# release build (scripts/test.sh --quick).
#
#   scripts/evidence.sh             all parts, in this order
#   scripts/evidence.sh coverage    the coverage of the intervals on 20 times the tests' boards
#   scripts/evidence.sh speed       rating and store (bench/compare.py), training
#                                   (bench/train_compare.py), near-duplicates (bench/curate_compare.py),
#                                   generation (lm_bench)
#   scripts/evidence.sh trainers    the trainers beside the same recipe in PyTorch, three seeds
#   scripts/evidence.sh flywheel    ten seeds of the nine stages, each beside its control: hours
#   scripts/evidence.sh ablations   five seeds of each setting: hours
#   scripts/evidence.sh judges      boards of a pool under judges with known faults
#   scripts/evidence.sh kills       a --fast run of the flywheel, killed 20 times
#   scripts/evidence.sh endpoints   an LLM judge on all of arena-hard at 30% faults, killed 100 times
set -euo pipefail
cd "$(dirname "$0")/.."

out=docs/evidence
commit=$(git rev-parse HEAD)
cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)

# The coverage and the speed of the rating belong to a commit, and are made again for another.
have() {  # FILE
  [ -f "$1" ] && grep -q "\"commit\": \"$commit\"" "$1" && echo "$1 is there for this commit"
}

coverage() {
  have "$out/coverage.json" && return
  local log
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
}

speed() {
  have "$out/speed.json" || /usr/bin/python3 bench/compare.py --runs 5 --out "$out/speed.json"
  [ -f "$out/training_speed.json" ] ||
    /usr/bin/python3 bench/train_compare.py --out "$out/training_speed.json"
  [ -f "$out/curation_speed.json" ] ||
    /usr/bin/python3 bench/curate_compare.py --rounds 7 --curve --out "$out/curation_speed.json"
  [ -f "$out/generation_speed.txt" ] || generation
}

generation() {
  local log=$out/generation_speed.tmp
  printf '# %s, %s cores, commit %s; lm_bench mini,60m,135m 1,16,64,256 1 16; one round\n' \
    "$cpu" "$(nproc)" "$commit" > "$log"
  build/release/lm_bench mini,60m,135m 1,16,64,256 1 16 >> "$log"
  mv "$log" "$out/generation_speed.txt"
}

trainers() {
  [ -f "$out/trainers.json" ] && return
  /usr/bin/python3 tests/reference/agreement.py --arena build/release/arena \
    --work build/evidence/trainers --seeds 3 --out "$out/trainers.json"
  /usr/bin/python3 tests/reference/curves.py --work build/evidence/trainers --out "$out/trainers.svg"
}

flywheel() { /usr/bin/python3 scripts/evidence_flywheel.py runs; }
judges() { [ -f "$out/judges.json" ] || /usr/bin/python3 scripts/evidence_judges.py run; }
kills() { /usr/bin/python3 scripts/evidence_flywheel.py kills; }
endpoints() {
  have "$out/endpoint_judge.json" && return
  ARENA_JUDGE_SAMPLE=0 ARENA_JUDGE_KILLS=100 build/release/endpoint_judge_test \
    --gtest_output="json:$out/endpoint_judge.tmp"
  /usr/bin/python3 - "$out/endpoint_judge.tmp" "$commit" "$cpu, $(nproc) cores" <<'PYTHON' > "$out/endpoint_judge.json"
import json, sys
with open(sys.argv[1]) as file:
    tests = json.load(file)["testsuites"][0]["testsuite"]
print(json.dumps({"commit": sys.argv[2], "machine": sys.argv[3], "kills": 100, "fault_rate": 0.3,
                  "instructions": 500, "contestants": 3,
                  "tests": {t["name"]: {"result": "failed" if "failures" in t else "passed",
                                        "time": t["time"]} for t in tests}}, indent=1))
PYTHON
  rm "$out/endpoint_judge.tmp"
}
ablations() { /usr/bin/python3 scripts/evidence_flywheel.py ablations; }

parts=(coverage speed trainers flywheel ablations judges kills endpoints)
for part in "$@"; do
  case " ${parts[*]} " in
    *" $part "*) ;;
    *) sed -n '2,17s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
  esac
done
[ $# -gt 0 ] && parts=("$@")

scripts/install-deps.sh --bench
mkdir -p "$out"
for part in "${parts[@]}"; do "$part"; done
echo "results: $out"
