#!/bin/sh
# Fetches the jars of an Apache Kafka broker into a folder, with Maven (about 43 MB):
#
#   scripts/kafka/fetch.sh DIR
#
# Tests then run against three real brokers. The path must be absolute:
#
#   LOYALTY_TEST_KAFKA_LIBS="$PWD/DIR" go test ./internal/event/kafka/...
set -eu

if [ $# -ne 1 ]; then
	echo "usage: $0 DIR" >&2
	exit 2
fi
mkdir -p "$1"
dir=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)

mvn --batch-mode --quiet --file "$here/pom.xml" dependency:copy-dependencies \
	-DincludeScope=runtime -DoutputDirectory="$dir"
ls "$dir"/kafka_*.jar >/dev/null
