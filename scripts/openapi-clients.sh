#!/bin/sh
# Checks the documents in openapi/ with the tools that client teams use: validators (openapi-spec-validator, Redocly, Spectral,
# the parser of AsyncAPI) and generators of Go, TypeScript and Python clients, whose output it compiles.
#
#   scripts/openapi-clients.sh [--quick]
#
# --quick runs the validators and openapi-typescript only. Needs Go, Python and the network on the first run.
set -eu
cd "$(dirname "$0")/.."
quick=
case "${1:-}" in
'') ;;
--quick) quick=1 ;;
*)
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0"
	exit 2
	;;
esac
. scripts/client-tools.sh
export REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

asyncapi() {
	NODE_PATH="$cache/node/node_modules" node -e '
		const { Parser } = require("@asyncapi/parser");
		new Parser().parse(require("fs").readFileSync("openapi/asyncapi.yaml", "utf8")).then(({ document, diagnostics }) => {
			for (const d of diagnostics) console.log(d.code, d.path.join("."), d.message);
			process.exit(document && diagnostics.length === 0 ? 0 : 1);
		});'
}

go_client() {
	mkdir -p "$out/go/$1"
	oapi-codegen -generate types,client -package "$1" -o "$out/go/$1/client.go" "openapi/$1.openapi.yaml" 2>&1 |
		grep -v 'OpenAPI 3.1' || true # oapi-codegen says that it supports 3.1 only in part
	(cd "$out/go" && GOFLAGS=-mod=mod go vet "./$1")
}

python_client() {
	openapi-python-client generate --path "openapi/$1.openapi.yaml" --output-path "$out/python/$1" --meta none --overwrite
	python -W error -m compileall -q "$out/python/$1"
	(cd "$out/python" && python -c "
import importlib, pkgutil, $1
for m in pkgutil.walk_packages($1.__path__, '$1.'): importlib.import_module(m.name)")
}

hey_api_client() {
	openapi-ts --silent -i "./openapi/$1.openapi.yaml" -o "$out/hey-api/$1" -p @hey-api/client-fetch -p @hey-api/typescript -p @hey-api/sdk
	tsc --noEmit --strict --skipLibCheck --target es2022 --module preserve --lib es2022,dom,dom.iterable "$out/hey-api/$1/index.ts"
}

services="users promotions notifications"
for service in $services; do
	document=openapi/$service.openapi.yaml
	check "$service: openapi-spec-validator" openapi-spec-validator "$document"
	check "$service: redocly" redocly lint "$document"
	check "$service: openapi-typescript" openapi-typescript "$document" -o "$out/$service.ts"
done
check "spectral" spectral lint --fail-severity hint openapi/*.yaml
check "asyncapi: parser" asyncapi
check "openapi-typescript: tsc" tsc --noEmit --strict "$out"/*.ts
if [ -z "$quick" ]; then
	[ -x "$cache/bin/oapi-codegen" ] ||
		GOBIN="$cache/bin" go install github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.5.0
	export PATH="$cache/bin:$PATH"
	mkdir -p "$out/go" "$out/python"
	(cd "$out/go" && go mod init example.com/clients && go get github.com/oapi-codegen/runtime@v1.1.2) >/dev/null 2>&1
	for service in $services; do
		check "$service: oapi-codegen" go_client "$service"
		check "$service: openapi-python-client" python_client "$service"
		check "$service: hey-api" hey_api_client "$service"
	done
fi
exit $failed
