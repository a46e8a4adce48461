#!/usr/bin/env bash
# Shows that the chaos run finds mistakes: each build with a planted one must fail, for what became of the events. In so many
# kills the lake goes back in time in both ways.
set -uo pipefail
cd "$(dirname "$0")/../.."
for fault in skip-trimming trust-409 ignore-rivals trust-memory trust-state no-mark swap-early skip-fence late-prices; do
  output=$(npm run --silent chaos -- --kills 12 --seed 5 --plant "$fault" 2>&1)
  code=$?
  echo "$output"
  if [ "$code" -ne 1 ] || ! grep -q ' FAILED\.$' <<<"$output"; then
    echo "$fault was not caught (exit code $code)."
    exit 1
  fi
  echo "$fault was caught."
done
