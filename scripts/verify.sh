#!/bin/sh
# npm run verify: the proofs of reliability one after the other, on a machine that does nothing else: latency and memory are
# judged here, and sizes may be larger (TIDEMARK_KILLS, TIDEMARK_OUTAGE_SECONDS; test/README.md). Arguments go to vitest.
. "$(dirname "$0")/bootstrap.sh"
services_for=tests
. ./scripts/services.sh
export TIDEMARK_FIGURES=1
# Random rules against the slow evaluation of docs/RULES.md, cases a kind.
export TIDEMARK_CASES="${TIDEMARK_CASES:-10000}"
# How often each part is cut off under load.
export TIDEMARK_PART_RESTARTS="${TIDEMARK_PART_RESTARTS:-10}"
# How long the receiver of webhooks is down; 600 is the full size.
export TIDEMARK_WEBHOOK_DOWN_SECONDS="${TIDEMARK_WEBHOOK_DOWN_SECONDS:-30}"
[ $# -gt 0 ] || set -- test/chaos test/property test/rules/reference
exec npx --no-install vitest run --no-file-parallelism --reporter=verbose "$@"
