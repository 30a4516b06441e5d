#!/bin/sh
# Builds the release of the current commit twice, in two directories and with two empty build caches, and compares the files.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
for n in 1 2; do
	git clone --quiet --no-hardlinks . "$work/clone-$n"
	echo "build $n of 2 (takes minutes)" >&2
	GOCACHE="$work/cache-$n" "$work/clone-$n/scripts/release.sh" "$work/dist-$n" >/dev/null
done
diff "$work/dist-1/SHA256SUMS" "$work/dist-2/SHA256SUMS" || {
	echo "reproducible: the two builds differ" >&2
	exit 1
}
cat "$work/dist-1/SHA256SUMS"
