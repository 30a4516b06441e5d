#!/bin/sh
# Writes the schema and everything that it imports to a directory, for client teams that generate their own code.
#
#   scripts/schema.sh DIR
#
# In DIR, "buf generate" needs neither this repository nor the Buf Schema Registry. DIR/buf.gen.yaml generates Go, TypeScript and
# Python; it says which programs each language needs. Remove the languages that you do not use.
set -eu
cd "$(dirname "$0")/.."
case "${1:-}" in '' | -*)
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0"
	exit 2
	;;
esac
mkdir -p "$1"
cp -R schema "$1/"
go run ./tools/thirdparty "$1/third_party"
cat >"$1/buf.yaml" <<'EOF_BUF'
version: v2
modules:
  - path: schema
  - path: third_party/googleapis
    name: buf.build/googleapis/googleapis
  - path: third_party/protovalidate
    name: buf.build/bufbuild/protovalidate
EOF_BUF
cat >"$1/buf.gen.yaml" <<'EOF_GEN'
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
      value: example.com/client/gen/go
plugins:
  # Go: messages and Connect clients. Needs the plugins on the PATH:
  #   go install google.golang.org/protobuf/cmd/protoc-gen-go@latest connectrpc.com/connect/cmd/protoc-gen-connect-go@latest
  # The code imports google.golang.org/protobuf, connectrpc.com/connect, google.golang.org/genproto/googleapis/api and
  # buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go.
  - local: protoc-gen-go
    out: gen/go
    opt: paths=source_relative
  - local: protoc-gen-connect-go
    out: gen/go
    opt: paths=source_relative

  # TypeScript: messages and services for Connect. Needs the plugin on the PATH, for example with "npx buf generate" or
  # PATH=node_modules/.bin:$PATH:
  #   npm install --save-dev @bufbuild/protoc-gen-es
  # The code imports @bufbuild/protobuf; calls need @connectrpc/connect and @connectrpc/connect-web or -node.
  - local: protoc-gen-es
    out: gen/ts
    include_imports: true
    opt: [target=ts, import_extension=js]

  # Python: messages with types. Needs the compiler of grpcio-tools (or protoc_path: protoc, for an installed protoc):
  #   pip install grpcio-tools
  # The code imports protobuf, in the version of the compiler or a later one. Put gen/python on the Python path.
  - protoc_builtin: python
    protoc_path: [python3, -m, grpc_tools.protoc]
    out: gen/python
    include_imports: true
  - protoc_builtin: pyi
    protoc_path: [python3, -m, grpc_tools.protoc]
    out: gen/python
    include_imports: true

  # With the Buf Schema Registry, remote plugins need no installation:
  #   - remote: buf.build/protocolbuffers/go
  #   - remote: buf.build/connectrpc/go
  #   - remote: buf.build/bufbuild/es
  #   - remote: buf.build/protocolbuffers/python
EOF_GEN
