#!/bin/sh
# npm start: the platform with the embedded store and a demo fleet. Later flags win, so `npm start -- --no-demo` works.
. "$(dirname "$0")/bootstrap.sh"
# The young generation of the main thread, which no program can set for itself; those of its threads it sets (threads/thread.ts).
exec node --max-semi-space-size=8 dist/cli/main.js start --demo "$@"
