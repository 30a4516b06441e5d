#!/bin/sh
# Runs "make gen dashboards" and fails if that changes a generated file, or if generated files are not committed:
#
#   scripts/check-gen.sh PATHSPEC ...
set -eu
before=$(mktemp)
after=$(mktemp)
trap 'rm -f "$before" "$after"' EXIT

sums() { git ls-files -z --cached --others --exclude-standard -- "$@" | sort -zu | xargs -0 sha1sum 2>/dev/null || true; }

sums "$@" >"$before"
${MAKE:-make} --no-print-directory gen dashboards
sums "$@" >"$after"
changed=$(diff "$before" "$after" | sed -n 's/^[<>] [0-9a-f]*  //p' | sort -u)
if [ -n "$changed" ]; then
	echo 'These generated files were out of date or edited by hand. "make gen dashboards" has just updated them; commit the ones that git status lists:' >&2
	echo "$changed" | sed 's/^/  /' >&2
	exit 1
fi
uncommitted=$(git status --porcelain -- "$@" | cut -c 4-)
if [ -n "$uncommitted" ]; then
	echo 'These generated files are up to date but not committed; commit them:' >&2
	echo "$uncommitted" | sed 's/^/  /' >&2
	exit 1
fi
