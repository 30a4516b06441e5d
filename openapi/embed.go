// Package openapi embeds the generated descriptions of the platform: an OpenAPI document of each service's REST API,
// NAME.openapi.yaml, and asyncapi.yaml, which describes the events.
package openapi

import "embed"

// FS holds the documents.
//
//go:embed *.yaml
var FS embed.FS
