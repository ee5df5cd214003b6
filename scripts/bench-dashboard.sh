#!/bin/sh
# npm run bench:dashboard: first paint of the overview and scrolling of the list of devices; needs chromium.
. "$(dirname "$0")/bootstrap.sh"
exec node dist/bench/dashboard.js "$@"
