#!/bin/sh
# Prints a file for "go build -overlay". With it, the Go files in folder $1 take the places of the files with the same paths in
# the tree.
set -eu
printf '{"Replace":{'
find "$1" -name '*.go' | sed "s|^$1/||" | sort | while read -r file; do
	printf '%s"%s":"%s"' "${separator-}" "$PWD/$file" "$PWD/$1/$file"
	separator=,
done
echo '}}'
