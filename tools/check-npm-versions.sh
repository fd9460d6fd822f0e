#!/usr/bin/env bash
# `npm ci` of npm 10 and of npm 11 must both accept the lockfile: each installs it in a copy.
# Prints `npm NN: passed`, `npm NN: failed` or `not run: npm NN missing`.
set -uo pipefail
cd "$(dirname "$0")/.."
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
status=0

for major in 10 11; do
  if ! npx --yes "npm@$major" --version >/dev/null 2>&1; then
    echo "not run: npm $major missing"
    continue
  fi
  rm -rf "$copy/tree" && mkdir "$copy/tree"
  git ls-files -z --cached --others --exclude-standard -- 'package.json' '*/package.json' \
    'package-lock.json' '.npmrc' | xargs -0 cp --parents -t "$copy/tree" --
  if (cd "$copy/tree" && npx --yes "npm@$major" ci >"$copy/log" 2>&1); then
    echo "npm $major: passed"
  else
    tail -n 20 "$copy/log"
    echo "npm $major: failed"
    status=1
  fi
done
exit "$status"
