#!/bin/sh
# Builds the images of compose.debian.yml where no image registry can be reached: the services from this source tree, the
# servers from Debian's packages.
#
#   deploy/docker/debian/build.sh
#
# It needs root, Docker, Go, Maven and, if there is no image debian:bookworm, debootstrap.
set -eu
cd "$(dirname "$0")/../../.."
here=deploy/docker/debian
context=.cache/docker
step() { printf '== %s\n' "$1"; }

if ! docker image inspect debian:bookworm >/dev/null 2>&1; then
	step 'debian:bookworm, with debootstrap'
	base=$(mktemp -d)
	trap 'rm -rf "$base"' EXIT
	debootstrap --variant=minbase bookworm "$base/root" >"$base/log" 2>&1 || { cat "$base/log" >&2; exit 1; }
	tar -C "$base/root" -c . | docker import - debian:bookworm >/dev/null
fi

step 'programs'
mkdir -p "$context"
scripts/build.sh "$context/loyalty"
CGO_ENABLED=0 go build -C tools/ferretdb -trimpath -ldflags '-s -w' -o "../../$context/ferretdb" .
[ -n "$(ls .cache/kafka/kafka-tools-[0-9]*.jar 2>/dev/null)" ] || scripts/kafka/fetch.sh .cache/kafka
rm -rf "$context/kafka"
cp -rL .cache/kafka "$context/kafka"
cp /etc/ssl/certs/ca-certificates.crt "$context/"
cp "$here"/*.sh "$context/"

for image in services ferretdb postgres redis kafka nginx prometheus; do
	step "image loyalty-$image"
	DOCKER_BUILDKIT=0 docker build --quiet --file "$here/$image.Dockerfile" --tag "loyalty-$image:debian" "$context"
done
