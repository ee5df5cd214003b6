# Installs and builds what is missing or older than its sources. Sourced by start.sh and test.sh; talks on standard error.
cd "$(dirname "$0")/.." || exit 1

fail() { echo "tidemark: $*" >&2; exit 2; }

command -v node >/dev/null 2>&1 || fail "Node.js 20.19 or newer is needed; there is no node on the PATH"
node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
  fail "Node.js 20.19 or newer is needed; this is $(node --version)"

if [ ! -f node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo "tidemark: installing dependencies" >&2
  # Not `npm ci`: a lock made where a registry lacks the optional packages of other platforms would not pass its check.
  npm install --no-save --no-audit --no-fund >&2 || fail "npm install failed"
  touch node_modules/.package-lock.json
fi

if [ ! -f dist/.built ] || [ -n "$(find . \( -name '*.ts' -o -path './simulators/scenarios/*.yaml' -o -path './docs/ERRORS.md' -o -path './dashboard/*' -type f \) -newer dist/.built -not -path './node_modules/*' -not -path './dist/*' -print -quit)" ]; then
  echo "tidemark: building" >&2
  rm -rf dist
  npm run --silent build >&2 || fail "the build failed"
  touch dist/.built
fi
