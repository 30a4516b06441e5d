#!/bin/sh
# Installs the servers that the tests need: PostgreSQL, PgBouncer, Redis, Nginx, Prometheus, and for the tests on a real
# Kafka cluster Java, Maven and the Kafka jars; Node.js, Chromium and Python for the clients in sdk; and the programs that the
# examples of docs/api use. Builds FerretDB, on which the tests of the MongoDB store run, and Jaeger, from which a test reads
# traces back. Installs nothing if all are present. If it cannot install, it prints one line with the missing packages.
#
#   scripts/setup.sh [--no-kafka]
set -eu
cd "$(dirname "$0")/.."

fail() {
	echo "$*" >&2
	exit 1
}

postgres() { command -v initdb >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; }
packages=
postgres || packages="$packages postgresql"
command -v pgbouncer >/dev/null 2>&1 || [ -x /usr/sbin/pgbouncer ] || packages="$packages pgbouncer"
command -v redis-server >/dev/null 2>&1 || packages="$packages redis-server"
command -v nginx >/dev/null 2>&1 || [ -x /usr/sbin/nginx ] || packages="$packages nginx-light"
command -v promtool >/dev/null 2>&1 || packages="$packages prometheus"
command -v cc >/dev/null 2>&1 || packages="$packages gcc libc6-dev"
command -v node >/dev/null 2>&1 || packages="$packages nodejs"
command -v npm >/dev/null 2>&1 || packages="$packages npm"
command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1 ||
	packages="$packages chromium"
python3 -c 'import ensurepip, venv' >/dev/null 2>&1 || packages="$packages python3 python3-venv"
# The commands of docs/api.
for program in curl jq oathtool openssl; do
	command -v $program >/dev/null 2>&1 || packages="$packages $program"
done
if [ "${1:-}" != --no-kafka ]; then
	command -v java >/dev/null 2>&1 || packages="$packages default-jre-headless"
	command -v mvn >/dev/null 2>&1 || ls .cache/kafka/kafka_*.jar >/dev/null 2>&1 || packages="$packages maven"
fi
if [ -n "$packages" ]; then
	command -v apt-get >/dev/null 2>&1 || fail "The tests need:$packages. Install these packages and run again."
	[ "$(id -u)" = 0 ] || fail "The tests need:$packages. As root: apt-get install$packages"
	echo "installing:$packages"
	log=$(mktemp)
	{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages; } >"$log" 2>&1 ||
		{ tail -5 "$log" >&2; fail "apt-get could not install$packages."; }
fi

# Installed versions may be too old.
old=
require() { [ "${3:-0}" -ge "$2" ] || old="$old $1 $2 or newer, not ${3:-none};"; }
require PostgreSQL 15 "$(for initdb in "$(command -v initdb || true)" /usr/lib/postgresql/*/bin/initdb; do
	[ ! -x "$initdb" ] || "$initdb" --version
done | sed 's/.*) \([0-9]*\).*/\1/' | sort -n | tail -1)"
require Redis 7 "$(redis-server --version | sed 's/.*v=\([0-9]*\).*/\1/')"
require Node.js 18 "$(node --version | sed 's/v\([0-9]*\).*/\1/')"
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || old="$old Python 3.11 or newer;"
[ "${1:-}" = --no-kafka ] || require Java 17 "$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p')"
[ -z "$old" ] || fail "The tests need$old put these first on the PATH."

if [ "${1:-}" != --no-kafka ] && ! ls .cache/kafka/kafka_*.jar >/dev/null 2>&1; then
	echo "downloading Kafka (43 MB)"
	scripts/kafka/fetch.sh .cache/kafka || fail "Maven could not download Kafka, see above."
fi

# The first builds take minutes; the tests would build them too, but within their time limit.
build() { go build -C "tools/$1" -o "../../.cache/$1" . || fail "The tests need tools/$1, which does not build; see above."; }
build ferretdb
[ "${1:-}" = --no-kafka ] || build jaeger
