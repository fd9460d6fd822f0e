#!/bin/sh
# Runs a command while no other terminal runs one through this: in a fresh clone three nodes may be
# started at the same moment, and two `npm ci` in one folder spoil each other.
set -eu
lock="$(dirname "$0")/../.make-lock"
waited=0
until mkdir "$lock" 2>/dev/null; do
  owner=$(cat "$lock/pid" 2>/dev/null || true)
  if [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null; then
    rm -rf "$lock" # It was killed, and left its lock behind.
    continue
  fi
  if [ -z "$owner" ] && [ "$waited" -ge 10 ]; then
    rm -rf "$lock"
    continue
  fi
  [ "$waited" -gt 0 ] || echo "waiting for the install or build of another terminal"
  waited=$((waited + 1))
  sleep 1
done
trap 'rm -rf "$lock"' EXIT
trap 'exit 130' INT TERM
echo $$ >"$lock/pid"
"$@"
