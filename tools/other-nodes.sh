#!/usr/bin/env bash
# Runs the unit tests, the chaos of streams and one demo on the other supported versions of Node, each fetched by npm.
# The last lines are `node NN: N passed, N failed` or `not run: node NN missing`.
set -uo pipefail
cd "$(dirname "$0")/.."

os=$(node -p 'process.platform')
arch=$(node -p 'process.arch')
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
status=0

for major in ${D_ENGINE_OTHER_NODES:-22 24}; do
  home="$PWD/.node$major"
  bin="$home/node_modules/node-$os-$arch/bin"
  if [ ! -x "$bin/node" ]; then
    echo "node $major: fetching it into .node$major"
    # A package file of its own keeps npm from taking the folder for a part of this workspace.
    mkdir -p "$home" && echo '{ "private": true }' >"$home/package.json"
    npm install --no-save --prefix "$home" "node-$os-$arch@$major" >"$results/npm.log" 2>&1 ||
      tail -n 3 "$results/npm.log"
  fi
  if ! "$bin/node" --version >/dev/null 2>&1; then
    echo "not run: node $major missing" >>"$results/lines"
    continue
  fi

  echo "node $major: unit tests and one demo on $("$bin/node" --version)"
  report="$results/node$major.json"
  PATH="$bin:$PATH" D_ENGINE_TEST_REPORT="$report" node node_modules/vitest/vitest.mjs run --project unit
  test_status=$?
  read -r passed failed skipped < <(node tools/count-tests.mjs "$report" "node $major: " 2>>"$results/lines")
  if [ "$test_status" -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; fi
  # The one process test that depends on the sockets of the version most.
  if PATH="$bin:$PATH" node node_modules/vitest/vitest.mjs run packages/d-engine/src/env/grpc-chaos; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "failed: node $major: chaos of streams" >>"$results/lines"
  fi
  if PATH="$bin:$PATH" make --no-print-directory demo; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "failed: node $major: make demo" >>"$results/lines"
  fi
  if [ "$failed" -ne 0 ]; then status=1; fi
  echo "node $major: $passed passed, $failed failed, $skipped skipped" >>"$results/lines"
done

cat "$results/lines"
exit "$status"
