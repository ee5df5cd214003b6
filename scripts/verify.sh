#!/bin/sh
# npm run verify: the proofs of the promises of docs/GUARANTEES.md one after the other, in full size, with a report.
usage() {
  cat <<'TEXT'
usage: npm run verify [-- [--small] [--report FILE] [R1 R2 … R14]]

Tries the promises that are named, all without names, one after the other on a machine that does nothing else: latency and memory
are judged too. The full size takes hours. test/support/promises.ts has the tests and sizes of each; a variable of a size, such as
TIDEMARK_KILLS=50, sets another.

  --small        in the size of `npm test`
  --report FILE  where the report goes; verify-report.json

  npm run verify -- R1 R12
  TIDEMARK_KILLS=50 npm run verify -- --report kills.json R1

Exit codes: 0 every promise held, 1 one did not, 2 usage.
TEXT
}

size=full
report=verify-report.json
names=""
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) usage; exit 0 ;;
    --small) size=small ;;
    --report) [ $# -gt 1 ] || { usage >&2; exit 2; }; report=$2; shift ;;
    R[1-9] | R1[0-4]) names="$names $1" ;;
    *) echo "tidemark: $1 is neither a promise nor an option" >&2; usage >&2; exit 2 ;;
  esac
  shift
done

. "$(dirname "$0")/bootstrap.sh"
services_for=tests
. ./scripts/services.sh
export TIDEMARK_FIGURES=1 TIDEMARK_SIZE="$size" TIDEMARK_PROMISES="$names" TIDEMARK_REPORT="$report"
exec npx --no-install vitest run --config test/verify-config.ts
