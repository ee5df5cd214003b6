# Finds the services that the tests use on the PATH, else installs them with apt as root on Debian or Ubuntu, else takes
# influxd from a container (test/services). What cannot be had is named; with CI=true that is a failure. Sourced by test.sh
# and bench.sh.
find_service() { # command, Debian package
  command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ]
}

missing=""
find_service influxd || missing="$missing influxdb"
find_service mosquitto || missing="$missing mosquitto"
find_service strace || missing="$missing strace"
find_service openssl || missing="$missing openssl"
if [ "${services_for:-}" = tests ]; then
  find_service chromium || missing="$missing chromium"
  find_service mosquitto_pub || missing="$missing mosquitto-clients"
fi

if [ -n "$missing" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "tidemark: installing$missing" >&2
  # Without this apt would start the servers; the tests start their own.
  made_policy=""
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d && chmod +x /usr/sbin/policy-rc.d && made_policy=yes
  fi
  export DEBIAN_FRONTEND=noninteractive
  # shellcheck disable=SC2086
  { apt-get install -y -q $missing || { apt-get update -q && apt-get install -y -q $missing; }; } >&2
  [ -z "$made_policy" ] || rm -f /usr/sbin/policy-rc.d
fi

# Not for the bench: it would measure docker's client instead of the database.
if ! find_service influxd && [ "${services_for:-}" = tests ] && docker compose version >/dev/null 2>&1 &&
  docker info >/dev/null 2>&1; then
  echo "tidemark: fetching influxd as a container" >&2
  if docker compose -f test/services/docker-compose.yml pull -q >&2; then
    PATH="$PWD/test/services/bin:$PATH"
    export PATH
  fi
fi

# Without mosquitto_pub its test publishes with another of the lines.
[ "${services_for:-}" = tests ] && browser=chromium || browser=""
for service in influxd mosquitto strace openssl $browser; do
  if ! find_service "$service"; then
    [ "${CI:-}" = true ] && { echo "tidemark: $service cannot be had here" >&2; exit 1; }
    echo "tidemark: $service is not installed; the suites that need it are skipped" >&2
  fi
done
