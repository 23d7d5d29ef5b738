#!/usr/bin/env bash
# Installs the Debian 12 packages that this project needs, and says which and why. Where all are
# present it changes nothing and needs neither network nor root.
#
#   scripts/install-deps.sh           to build the program and to work on it (core, dev)
#   scripts/install-deps.sh --run     only to build the program (core)
#   scripts/install-deps.sh --bench   core, dev, and the peers that the benchmarks compare with
#   scripts/install-deps.sh ... --check   lists each package and installs nothing; exit code 1: some are missing
set -euo pipefail

core=(
  "g++            C++20 compiler"
  "cmake          build system, 3.25 or later"
  "ninja-build    build system's runner"
  "pkg-config     finds libraries without CMake packages"
  "libfmt-dev     formatting"
  "libexpected-dev        Result type"
  "nlohmann-json3-dev     JSON documents"
  "libsimdjson-dev        bulk JSON reading"
  "libtomlplusplus-dev    configuration files"
  "libcli11-dev   command line"
  "libeigen3-dev  linear algebra"
  "libboost-dev   statistics and exact numbers (headers)"
  "libicu-dev     Unicode"
  "libpcre2-dev   split patterns of tokenizers"
  "libsentencepiece-dev   SentencePiece tokenizers"
  "libxxhash-dev  content keys"
  "libre2-dev     patterns of unsafe text"
  "libcld2-dev    language of texts"
  "libfaiss-dev   nearest neighbours"
  "libopenblas0   linear algebra under FAISS, loaded when it is needed"
  "zlib1g-dev     .gz files"
  "libzstd-dev    .zst files"
  "libsqlite3-dev the default store"
  "libsoci-dev    the data layer over the store"
  "libcurl4-openssl-dev   HTTP client"
  "libcpp-httplib-dev     HTTP server"
  "libssl-dev     what the HTTP server is built with"
  "libgloo-dev    training on several processes"
)
dev=(
  "libgtest-dev   tests"
  "libgmock-dev   matchers of the tests"
  "libbenchmark-dev       benchmarks"
  "ccache         repeated builds in seconds"
  "clang-format-14        layout, checked by the style test"
  "clang-16       fuzz targets"
  "libclang-rt-16-dev     run-time library of the fuzz targets"
  "python3-jinja2 what chat templates are compared with"
  "python3-torch  what the trainers are compared with"
)
bench=(
  "python3-scipy  the optimiser that the benchmarks compare with"
  "python3-pandas the reader that the benchmarks compare with"
)

usage() { sed -n '2,8s/^# \{0,1\}//p' "$0"; }

groups=("${core[@]}" "${dev[@]}")
check=false
for option in "$@"; do
  case "$option" in
    --run) groups=("${core[@]}") ;;
    --bench) groups=("${core[@]}" "${dev[@]}" "${bench[@]}") ;;
    --check) check=true ;;
    -h | --help) usage; exit 0 ;;
    *) echo "install-deps: unknown option $option" >&2; usage >&2; exit 2 ;;
  esac
done

fail() { echo "install-deps: $*" >&2; exit 2; }

names=()
for entry in "${groups[@]}"; do names+=("${entry%% *}"); done

if ! command -v dpkg-query > /dev/null || ! command -v apt-get > /dev/null; then
  fail "this system has no apt. The project is built and tested on Debian 12; elsewhere install" \
    "what these packages hold by hand: ${names[*]}"
fi

installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2> /dev/null)" = installed ]; }

missing=()
for entry in "${groups[@]}"; do
  read -r name reason <<< "$entry"
  if installed "$name"; then
    state=present
  else
    state=missing
    missing+=("$name")
  fi
  if $check || [ "$state" = missing ]; then printf '%-8s %-22s %s\n' "$state" "$name" "$reason"; fi
done

# Not from apt: Debian 12 has node 18. Everything else builds and passes without it.
node_major=$(node -p 'process.versions.node.split(".")[0]' 2> /dev/null || echo 0)
if [ "$node_major" -lt 20 ]; then
  echo "install-deps: node 20 or later is not here; the interop tests are skipped without it"
fi

if [ ${#missing[@]} -eq 0 ]; then
  echo "install-deps: all ${#names[@]} packages are present"
  exit 0
fi
if $check; then exit 1; fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo > /dev/null ||
    fail "needs root: run as root: apt-get install --no-install-recommends ${missing[*]}"
  as_root=(sudo)
fi
echo "install-deps: installing ${#missing[@]} of ${#names[@]} packages"
"${as_root[@]}" apt-get update -q
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -q -y --no-install-recommends "${missing[@]}"
