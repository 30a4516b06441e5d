#!/bin/sh
# Runs all tests with the race detector, on real servers. Installs missing servers.
#
#   scripts/test.sh [--no-kafka] [PACKAGE ...]
#
# --no-kafka skips the tests on three real Kafka brokers. Tests on an embedded broker still run.
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
if [ $# -eq 0 ]; then
	set -- ./...
	npm --prefix sdk/typescript ci --prefer-offline --no-audit --no-fund --loglevel error
	npm --prefix sdk/typescript test
	scripts/sdk-python.sh
	# These are separate modules, so ./... does not contain them.
	for module in test/helm sdk/go test/sdk; do
		go -C $module test -count=1 -timeout 20m ./...
	done
fi
# Each package starts its own servers, so only two run at once. The test cache is off: it does not see the programs that
# tests build.
exec go test -race -count=1 -timeout 30m -p 2 "$@"
