#!/bin/sh
# npm start: the platform with the embedded store and a demo fleet. Later flags win, so `npm start -- --no-demo` works.
. "$(dirname "$0")/bootstrap.sh"
exec node dist/cli/main.js start --demo "$@"
