#!/bin/sh
# Checks the documents in openapi/ with the tools that client teams use: linters (Redocly, Spectral, openapi-spec-validator)
# and generators of Go, TypeScript and Python clients, whose output it compiles. Needs Go, npm and Python, and the network
# on the first run; the tools are kept in .cache/openapi.
#
#   scripts/openapi-clients.sh
set -eu
cd "$(dirname "$0")/.."
root=$PWD
cache=$root/.cache/openapi
mkdir -p "$cache"
[ -x "$cache/bin/oapi-codegen" ] ||
	GOBIN="$cache/bin" go install github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.5.0
[ -x "$cache/node_modules/.bin/redocly" ] || npm install --silent --no-audit --prefix "$cache" \
	openapi-typescript@7 typescript@5 @redocly/cli@2 @stoplight/spectral-cli@6
[ -x "$cache/venv/bin/openapi-python-client" ] || {
	python3 -m venv "$cache/venv"
	"$cache/venv/bin/pip" install -q openapi-python-client openapi-spec-validator
}
export PATH="$cache/bin:$cache/node_modules/.bin:$cache/venv/bin:$PATH"
export REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
# check NAME COMMAND ...: runs the command; on failure or a warning it prints the output and the script fails at the end.
failed=0
check() {
	name=$1
	shift
	if "$@" >"$out/log" 2>&1 && ! grep -Eq '[1-9][0-9]* warning|WARNING|Warning\(s\)' "$out/log"; then
		echo "ok    $name"
	else
		echo "FAIL  $name"
		cat "$out/log"
		failed=1
	fi
}

go_client() {
	mkdir -p "$out/go/$1"
	oapi-codegen -generate types,client -package "$1" -o "$out/go/$1/client.go" "openapi/$1.openapi.yaml" 2>&1 |
		grep -v 'OpenAPI 3.1' || true # oapi-codegen says that it supports 3.1 only in part
	(cd "$out/go" && GOFLAGS=-mod=mod go vet "./$1")
}

python_client() {
	openapi-python-client generate --path "openapi/$1.openapi.yaml" --output-path "$out/python-$1" --meta none --overwrite
	python3 -m compileall -q "$out/python-$1"
}

mkdir -p "$out/go"
(cd "$out/go" && go mod init example.com/clients && go get github.com/oapi-codegen/runtime@v1.1.2) >/dev/null 2>&1
for service in users promotions notifications; do
	document=openapi/$service.openapi.yaml
	check "$service: openapi-spec-validator" openapi-spec-validator "$document"
	check "$service: redocly" redocly lint "$document"
	check "$service: spectral" spectral lint --fail-severity warn "$document"
	check "$service: oapi-codegen" go_client "$service"
	check "$service: openapi-typescript" openapi-typescript "$document" -o "$out/$service.ts"
	check "$service: tsc" tsc --noEmit --strict "$out/$service.ts"
	check "$service: openapi-python-client" python_client "$service"
done
check "asyncapi: spectral" spectral lint --fail-severity warn openapi/asyncapi.yaml
exit $failed
