#!/bin/sh
# Compares the schema with the one of commit $1 and fails on a change that breaks clients. The base is built as an image
# with the third-party files of this checkout, which are not committed.
set -eu
buf="go tool -modfile=tools/buf.mod buf"
base=$(mktemp -d)
trap 'rm -rf "$base"' EXIT
git archive "$1" -- schema buf.yaml | tar -x -C "$base"
cp -R third_party "$base"
$buf build "$base/schema" -o "$base/base.binpb"
$buf breaking schema --against "$base/base.binpb"
