#!/bin/sh
# Builds the program loyalty as it is released, into the file or folder $1.
set -eu
cd "$(dirname "$0")/.."
# Without these tags, grpc and its retries import golang.org/x/net/trace, whose pages use text/template. This package calls
# methods by their names, so the linker keeps all exported methods: the program is half as large again.
CGO_ENABLED=0 go build -trimpath -tags grpcnotrace,retrynotrace -ldflags '-s -w' -o "$1" ./cmd/loyalty
