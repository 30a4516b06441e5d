#!/bin/sh
# Builds a release into a directory: the program, its bill of materials (CycloneDX) and their checksums.
#
#   scripts/release.sh [DIR]     DIR is dist/ by default.
#
# The files depend only on the commit and the architecture, not on the machine. The Go version is fixed, paths are trimmed, and
# the time in the bill of materials is the time of the commit. scripts/reproducible.sh checks this.
set -eu
cd "$(dirname "$0")/.."
case "${1:-}" in -h | --help)
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0"
	exit
	;;
esac
dist=${1:-dist}
# The version of the base image in deploy/docker/Dockerfile.
version=$(sed -n 's/^FROM golang:\([0-9.]*\) AS source$/\1/p' deploy/docker/Dockerfile)
export GOTOOLCHAIN="go$version" CGO_ENABLED=0 GOFLAGS=-trimpath GOAMD64=v1 GOEXPERIMENT=
commit=$(git describe --tags --always --dirty)
time=$(TZ=UTC git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd)

mkdir -p "$dist"
echo "building $commit with $(go version)" >&2
scripts/build.sh "$dist/loyalty"
if grep -qF 'text/template.(*Template).execute' "$dist/loyalty"; then # see scripts/build.sh
	echo 'release.sh: the program executes templates, so that it is half as large again' >&2
	exit 1
fi
go tool -modfile=tools/sbom.mod cyclonedx-gomod bin -json -std -noserial -version "$commit" -output "$dist/sbom" "$dist/loyalty"
sed "s/^\( *\"timestamp\": \)\".*\"/\1\"$time\"/" "$dist/sbom" >"$dist/loyalty.cdx.json"
rm "$dist/sbom"
(cd "$dist" && sha256sum loyalty loyalty.cdx.json | tee SHA256SUMS)
