#!/bin/sh
# npm run bench: the whole pipeline beside its peers on this machine; `npm run --silent bench -- --json` for machines.
. "$(dirname "$0")/bootstrap.sh"
. ./scripts/services.sh
exec node dist/bench/pipeline.js "$@"
