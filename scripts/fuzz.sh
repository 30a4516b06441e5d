#!/bin/sh
# Runs each fuzz test for duration $1, one after the other.
set -eu
grep -rl --include='*_test.go' '^func Fuzz' . | while read -r file; do
	package=$(dirname "$file")
	for name in $(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' "$file"); do
		echo "$package $name"
		go test -run='^$' -fuzz="^$name\$" -fuzztime="$1" "$package"
	done
done
