#!/bin/sh
# npm run bench:rules: speed, memory and latency of the rules; `npm run --silent bench:rules -- --json` for machines.
. "$(dirname "$0")/bootstrap.sh"
. ./scripts/services.sh
exec node --expose-gc dist/bench/rules.js "$@"
