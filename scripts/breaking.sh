#!/bin/sh
# Fails if the schema has a change since commit $1 that breaks clients. The base is built with the third-party files of this
# checkout, which are not committed.
set -eu
buf="go tool -modfile=tools/buf.mod buf"
base=$(mktemp -d)
trap 'rm -rf "$base"' EXIT
git archive "$1" -- schema buf.yaml | tar -x -C "$base"
cp -R third_party "$base"
$buf build "$base/schema" -o "$base/base.binpb"
$buf breaking schema --against "$base/base.binpb"
