#!/bin/sh
# npm start: the platform with the embedded store and a demo fleet. Later flags win, so `npm start -- --no-demo` works.
. "$(dirname "$0")/bootstrap.sh"
# Memory that makes nothing faster (docs/PERFORMANCE.md, "Memory"): a young generation of over 12 MB, and a pool of malloc for each thread.
export MALLOC_ARENA_MAX=2
exec node --max-semi-space-size=4 dist/cli/main.js start --demo "$@"
