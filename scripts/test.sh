#!/bin/sh
# npm test: types, lint and all tests; arguments go to vitest. The last line is `N passed, N failed, N skipped`.
. "$(dirname "$0")/bootstrap.sh"
services_for=tests
. ./scripts/services.sh

npx --no-install tsc -p tsconfig.json || fail "the types do not check"
npx --no-install tsc -p dashboard/tsconfig.json || fail "the types of the dashboard do not check"
npx --no-install biome check . >&2 || fail "biome check failed"

results=$(mktemp)
trap 'rm -f "$results"' EXIT
npx --no-install vitest run --reporter=default --reporter=json --outputFile.json="$results" "$@"
status=$?
node scripts/summary.mjs "$results" $status
exit $status
