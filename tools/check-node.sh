#!/bin/sh
# Says clearly what is missing before anything else fails in a less clear way.
for tool in git npm node; do
  if ! command -v "$tool" >/dev/null 2>&1; then
    echo "$tool is missing: this repository needs git, make, Node 20.19 or newer, npm and sh." >&2
    exit 1
  fi
done

# Written for any Node, however old.
node -e '
  var found = process.versions.node, parts = found.split(".").map(Number);
  if (parts[0] > 20 || (parts[0] === 20 && parts[1] >= 19)) process.exit(0);
  console.error("Node " + found + " is too old: d-engine needs Node 20.19 or newer.");
  process.exit(1);
'
