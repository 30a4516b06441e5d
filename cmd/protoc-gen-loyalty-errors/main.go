// Command protoc-gen-loyalty-errors writes the error codes as Go constants. It also writes a table with the RPC code, HTTP
// status, title and additional members of each code to package apperr, the same table for client teams to docs/api, and the
// problem documents for errors that Nginx itself reports.
package main

import (
	"strconv"
	"strings"

	"google.golang.org/protobuf/compiler/protogen"

	"github.com/casino-loyalty/loyalty/internal/schema"
)

func main() { schema.Run(generate) }

func generate(plugin *protogen.Plugin) error {
	codes, err := schema.ErrorCodes(plugin.Files)
	if err != nil || len(codes) == 0 {
		return err
	}
	g := schema.NewGoFile("protoc-gen-loyalty-errors", "internal/apperr/codes_gen.go", "apperr")
	g.P("// The codes of the schema's AppErrorCode.")
	g.P("const (")
	for _, c := range codes {
		g.P("// ", schema.GoName(c.Name), ": ", c.Title, ".")
		g.P(schema.GoName(c.Name), " Code = \"", c.Name, "\"")
	}
	g.P(")")
	g.P()
	g.P("// table has the RPC code, HTTP status, title and additional members of each code.")
	g.P("var table = map[Code]Info{")
	for _, c := range codes {
		g.P(schema.GoName(c.Name), ": {RPC: ", c.RPC, ", HTTP: ", c.HTTP, ", Title: ", strconv.Quote(c.Title),
			retryable(c), members(c), "},")
	}
	g.P("}")
	g.Write(plugin)
	if err := generateTable(plugin, codes); err != nil {
		return err
	}
	return generateNginx(plugin, codes)
}

// retryable returns the field Retryable of a code's Info, or nothing if it is false.
func retryable(c schema.ErrorCode) string {
	if c.Retryable() {
		return ", Retryable: true"
	}
	return ""
}

// members returns the field Members of a code's Info, or nothing if the code has no members.
func members(c schema.ErrorCode) string {
	if len(c.Members) == 0 {
		return ""
	}
	var names []string
	for _, m := range c.Members {
		names = append(names, strconv.Quote(m.GetName()))
	}
	return ", Members: []string{" + strings.Join(names, ", ") + "}"
}
