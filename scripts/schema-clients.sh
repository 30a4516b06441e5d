#!/bin/sh
# Does what a client team does that generates its own code: writes the schema to a new directory outside of the repository
# (scripts/schema.sh), runs "buf generate" there, and compiles the code in Go, TypeScript and Python. The repository has the
# TypeScript and Python code in gen/ts and gen/python; the script fails if it differs. With --write, it updates it.
#
#   scripts/schema-clients.sh [--write]
#
# Needs Go, Python and the network on the first run.
set -eu
cd "$(dirname "$0")/.."
. scripts/client-tools.sh

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
buf=$(go tool -n -modfile=tools/buf.mod buf)
mkdir -p "$cache/bin"
GOBIN="$cache/bin" go install google.golang.org/protobuf/cmd/protoc-gen-go connectrpc.com/connect/cmd/protoc-gen-connect-go
export PATH="$cache/bin:$PATH"

generate() { scripts/schema.sh "$out/client" && cd "$out/client" && "$buf" generate; }

go_code() {
	cd "$out/client"
	cat >go.mod <<-EOF_MOD
		module example.com/client

		go 1.25.0
	EOF_MOD
	for module in google.golang.org/protobuf connectrpc.com/connect google.golang.org/genproto/googleapis/api \
		buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go; do
		echo "require $module $(cd "$root" && go list -m -f '{{.Version}}' "$module")" >>go.mod
	done
	GOFLAGS=-mod=mod go build ./gen/go/...
}

typescript() {
	cd "$out/client"
	ln -sf "$cache/node/node_modules" node_modules
	echo '{"type": "module"}' >package.json
	cat >use.ts <<-'EOF_TS'
		import { create, toJson } from "@bufbuild/protobuf";
		import { ClaimRequestSchema, PromotionService } from "./gen/ts/loyalty/promotions/v1/promotion_service_pb.js";

		const request = create(ClaimRequestSchema, { promotionId: "019a0000-0000-7000-8000-000000000000" });
		console.log(PromotionService.method.claim.name, toJson(ClaimRequestSchema, request));
	EOF_TS
	tsc --strict --target es2022 --module nodenext --skipLibCheck --outDir build use.ts &&
		node build/use.js
}

python() {
	cd "$out/client"
	command python -B -W error -c "
import importlib, pathlib, sys
sys.path.insert(0, 'gen/python')
files = sorted(pathlib.Path('gen/python').rglob('*_pb2.py'))
assert files
for f in files: importlib.import_module('.'.join(f.relative_to('gen/python').with_suffix('').parts))
from loyalty.promotions.v1 import promotion_service_pb2 as p
assert p.ClaimRequest.DESCRIPTOR.fields_by_name['promotion_id'].GetOptions().ByteSize() > 0"
}

write() {
	for language in ts python; do
		rm -rf "$root/gen/$language"
		cp -R "$out/client/gen/$language" "$root/gen/$language"
	done
}

compare() {
	for language in ts python; do
		diff -rq "$root/gen/$language" "$out/client/gen/$language" || {
			echo "gen/$language is out of date: run make gen-clients and commit the files"
			return 1
		}
	done
}

root=$PWD
check "schema: buf generate" generate
case "${1:-}" in
--write) check "schema: write gen/ts and gen/python" write ;;
*) check "schema: gen/ts and gen/python are up to date" compare ;;
esac
cd "$root"
check "schema: Go" go_code
cd "$root"
check "schema: TypeScript" typescript
cd "$root"
check "schema: Python" python
exit $failed
