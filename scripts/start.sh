#!/bin/sh
# npm start: the platform with the embedded store and a demo fleet. Later flags win, so `npm start -- --no-demo` works.
. "$(dirname "$0")/bootstrap.sh"
# A young generation of 24 MB: a larger one takes memory for each thread and is not faster (docs/PERFORMANCE.md, "Memory").
exec node --max-semi-space-size=8 dist/cli/main.js start --demo "$@"
