#!/usr/bin/env bash
# Installs the npm packages that the interop tests compare with, as their lock files say. Where they
# are present it changes nothing and needs no network. Without node 20 or later the interop tests
# are left out, and this says so.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v node > /dev/null || ! command -v npm > /dev/null; then
  echo "install-npm: no node and npm; the interop tests are left out (nodejs.org has node 20)"
  exit 0
fi
if [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 20 ]; then
  echo "install-npm: node $(node --version) is older than 20; the interop tests are left out"
  exit 0
fi

while read -r lock; do
  folder=$(dirname "$lock")
  stamp=$folder/node_modules/.arena-lock
  if cmp -s "$lock" "$stamp"; then
    echo "install-npm: $folder is present"
    continue
  fi
  echo "install-npm: installing $folder"
  options=(--prefix "$folder" --ignore-scripts --omit=optional --no-audit --no-fund --loglevel=error)
  for attempt in 1 2 3; do
    # `npm ci` refuses a lock file that lacks optional packages for other systems, which the
    # registry need not have; `npm install --no-save` takes the locked versions all the same.
    npm ci "${options[@]}" 2> /dev/null && break
    npm install --no-save "${options[@]}" && break
    [ "$attempt" -lt 3 ] || { echo "install-npm: npm failed in $folder" >&2; exit 1; }
    sleep 5
  done
  cp "$lock" "$stamp"
done < <(find tests/interop -name package-lock.json -not -path '*/node_modules/*' | sort)
