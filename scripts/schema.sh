#!/bin/sh
# Writes the schema and everything that it imports to a directory, for client teams that generate their own code.
#
#   scripts/schema.sh DIR
#
# In DIR, "buf generate" needs neither this repository nor the Buf Schema Registry. Edit DIR/buf.gen.yaml for other languages.
set -eu
cd "$(dirname "$0")/.."
case "${1:-}" in '' | -h | --help)
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0" | sed '$d'
	exit 2
	;;
esac
mkdir -p "$1"
cp -R schema "$1/"
go run ./tools/thirdparty "$1/third_party"
cat >"$1/buf.yaml" <<'EOF'
version: v2
modules:
  - path: schema
  - path: third_party/googleapis
    name: buf.build/googleapis/googleapis
  - path: third_party/protovalidate
    name: buf.build/bufbuild/protovalidate
EOF
cat >"$1/buf.gen.yaml" <<'EOF'
# Messages and Connect clients in Go. The plugins must be in the PATH:
#   go install google.golang.org/protobuf/cmd/protoc-gen-go@latest connectrpc.com/connect/cmd/protoc-gen-connect-go@latest
version: v2
inputs:
  - directory: schema
managed:
  enabled: true
  disable:
    - module: buf.build/googleapis/googleapis
    - module: buf.build/bufbuild/protovalidate
  override:
    - file_option: go_package_prefix
      value: example.com/client/gen
plugins:
  - local: protoc-gen-go
    out: gen
    opt: paths=source_relative
  - local: protoc-gen-connect-go
    out: gen
    opt: paths=source_relative
EOF
