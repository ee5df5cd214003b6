#!/bin/sh
# npm start: the platform with the embedded store and a demo fleet. Later flags win, so `npm start -- --no-demo` works.
. "$(dirname "$0")/bootstrap.sh"
# Memory that makes nothing faster (docs/PERFORMANCE.md, "Memory"): a young generation of over 24 MB, a pool of malloc for each thread,
# and large pieces of memory that stay in a pool when they are freed. One thread of V8's own beside ours: four, on two cores, keep readings waiting.
export MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=131072 MALLOC_TRIM_THRESHOLD_=131072
exec node --max-semi-space-size=8 --v8-pool-size=1 dist/bin/tidemark.js start --demo "$@"
