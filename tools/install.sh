#!/bin/sh
# Installs the pinned dependencies, only when node_modules is missing or older than the lockfile.
set -eu
cd "$(dirname "$0")/.."

installed=node_modules/.package-lock.json
if [ ! -f "$installed" ]; then
  echo "install: node_modules is missing, running npm ci (about 10 s with a warm npm cache)"
elif [ -n "$(find package-lock.json -newer "$installed")" ]; then
  echo "install: package-lock.json is newer than node_modules, running npm ci"
else
  echo "install: node_modules is up to date"
  exit 0
fi
npm ci
# npm may write its own copy of the lockfile a moment before the real one is read.
touch "$installed"
