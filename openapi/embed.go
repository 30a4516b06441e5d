// Package openapi embeds the generated API documents: NAME.openapi.yaml describes the REST API of service NAME, and
// asyncapi.yaml describes the events and the WebSocket frames.
package openapi

import "embed"

// FS holds the documents.
//
//go:embed *.yaml
var FS embed.FS
