package main

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/compiler/protogen"

	"github.com/casino-loyalty/loyalty/internal/schema"
)

// namer chooses the names of message schemas in the documents. Client generators such as oapi-codegen define types named
// OperationResponse, so a schema must not have a name with that suffix. ListPromotionsResponse becomes PromotionPage, and
// ClaimResponse becomes ClaimResult.
type namer struct {
	// messages contains the names of all messages and enums of the schema.
	messages map[string]bool
}

func newNamer(files []*protogen.File) *namer {
	n := &namer{messages: map[string]bool{}}
	for _, f := range files {
		for _, m := range f.Messages {
			n.messages[m.GoIdent.GoName] = true
			for _, e := range m.Enums {
				n.messages[schema.EnumName(e)] = true
			}
		}
		for _, e := range f.Enums {
			n.messages[schema.EnumName(e)] = true
		}
	}
	return n
}

// component returns the name of a message's schema.
func (n *namer) component(m *protogen.Message) string {
	name := m.GoIdent.GoName
	stem, isResponse := strings.CutSuffix(name, "Response")
	if !isResponse {
		return name
	}
	candidates := []string{stem + "Result", stem + "Results"}
	if list, isList := strings.CutPrefix(stem, "List"); isList {
		candidates = []string{singular(list) + "Page", list + "Page"}
	}
	for _, candidate := range candidates {
		if !n.messages[candidate] {
			return candidate
		}
	}
	for i := 2; ; i++ {
		if candidate := fmt.Sprint(candidates[0], i); !n.messages[candidate] {
			return candidate
		}
	}
}

// singular returns the singular of an English plural. It supports only the endings that occur in names of RPCs.
func singular(plural string) string {
	switch {
	case strings.HasSuffix(plural, "ies"):
		return strings.TrimSuffix(plural, "ies") + "y"
	case strings.HasSuffix(plural, "ses"), strings.HasSuffix(plural, "xes"):
		return strings.TrimSuffix(plural, "es")
	default:
		return strings.TrimSuffix(plural, "s")
	}
}
