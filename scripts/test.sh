#!/bin/sh
# Runs every test with the race detector, on real servers that it installs or starts:
#
#   scripts/test.sh [--no-kafka] [PACKAGE ...]
#
# --no-kafka leaves out the tests on a cluster of three real Kafka brokers; an embedded broker still stands in.
set -eu
cd "$(dirname "$0")/.."
case "${1:-}" in -h | --help)
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0"
	exit
	;;
esac
if [ "${1:-}" = --no-kafka ]; then
	shift
	scripts/setup.sh --no-kafka
else
	scripts/setup.sh
	LOYALTY_TEST_KAFKA_LIBS="$PWD/.cache/kafka"
	export LOYALTY_TEST_KAFKA_LIBS
fi
[ $# -gt 0 ] || set -- ./...
# Packages start servers of their own, so few of them run at once. No result is taken from a cache: what is tested from
# outside is built by the tests, which the cache does not see.
exec go test -race -count=1 -timeout 10m -p 2 "$@"
