package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"strings"
	"text/template"
)

//go:embed typescript.tmpl
var typescriptTemplate string

// typescriptFiles returns the files of sdk/typescript. Members have the same names as on the wire, so that the package
// converts nothing.
func typescriptFiles(a api) (map[string][]byte, error) {
	t, err := template.New("typescript").Funcs(template.FuncMap{
		"doc": jsDoc, "later": laterValues, "type": typescriptType, "arg": camelCase, "answer": promised,
		"params":  func(o operation) string { return strings.ToUpper(o.Name[:1]) + o.Name[1:] + "Params" },
		"visible": func(o operation) bool { return o.Auth != "REFRESH" && o.Name != "login" },
		"all":     func(o operation) string { return "all" + strings.TrimPrefix(o.Name, "list") },
		"element": func(o operation) string { return "t." + elementOf(a, o) },
		"auth": func(auth string) string {
			return map[string]string{"ACCESS": "ACCESS | "}[auth] // a refresh token is in the body or in the cookie
		},
		"arguments": typescriptArguments, "fields": callFields,
	}).Parse(typescriptTemplate)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, name := range []string{"operations", "types"} {
		var b bytes.Buffer
		if err := t.ExecuteTemplate(&b, name, a); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		files["typescript/src/"+name+"_gen.ts"] = []byte(strings.TrimSpace(b.String()) + "\n")
	}
	return files, nil
}

// typescriptType returns the type of a member or a parameter. prefix precedes the names of types of the API.
func typescriptType(prefix string, f field) string {
	t := prefix + f.Type
	switch f.Type {
	case "string", "uuid", "date", "timestamp":
		t = "string"
	case "boolean":
		t = "boolean"
	case "integer", "number":
		t = "number"
	case "json":
		t = "Record<string, unknown>"
	}
	if f.List {
		t += "[]"
	}
	return t
}

// typescriptArguments returns the parameters of a method.
func typescriptArguments(o operation) string {
	var list []string
	for _, p := range o.PathParams {
		list = append(list, camelCase(p.Name)+": "+typescriptType("t.", p))
	}
	if o.Body != "" {
		list = append(list, "body: t."+o.Body)
	}
	if len(o.Query) > 0 || o.Page != "" {
		list = append(list, "params: "+strings.ToUpper(o.Name[:1])+o.Name[1:]+"Params = {}")
	}
	return strings.Join(append(list, "options?: CallOptions"), ", ")
}

// callFields returns the members of the arguments of a call.
func callFields(o operation) string {
	var list []string
	if len(o.PathParams) > 0 {
		var path []string
		for _, p := range o.PathParams {
			path = append(path, camelCase(p.Name))
		}
		list = append(list, "path: ["+strings.Join(path, ", ")+"]")
	}
	if len(o.Query) > 0 || o.Page != "" {
		list = append(list, "query: params")
	}
	if o.Body != "" {
		list = append(list, "body")
	}
	return " " + strings.Join(list, ", ") + " "
}

// promised returns the type of an answer.
func promised(o operation) string {
	if o.Answer == "" {
		return "void"
	}
	return "t." + o.Answer
}

// camelCase converts a name such as user_id to userId.
func camelCase(name string) string {
	parts := strings.Split(name, "_")
	for i, p := range parts[1:] {
		parts[i+1] = strings.ToUpper(p[:1]) + p[1:]
	}
	return strings.Join(parts, "")
}

// laterValues adds to the description of an enum that it may get values.
func laterValues(description string) string {
	first, rest, _ := strings.Cut(description, "\n")
	return strings.TrimSuffix(first+" Later versions of the platform may send other values.\n"+rest, "\n")
}

// jsDoc formats a comment with lines of at most 120 characters.
func jsDoc(indent, text string) string {
	var lines []string
	for paragraph := range strings.SplitSeq(strings.TrimSpace(strings.ReplaceAll(text, "*/", "* /")), "\n") {
		line, next := "", ""
		if strings.HasPrefix(paragraph, "- ") {
			next = "  "
		}
		for w := range strings.FieldsSeq(paragraph) {
			if line != "" && len(indent)+len(" * ")+len(line)+1+len(w) > 120 {
				lines = append(lines, line)
				line = next + w
				continue
			}
			if line != "" {
				line += " "
			}
			line += w
		}
		lines = append(lines, line)
	}
	if len(lines) == 1 && len(indent)+len("/**  */")+len(lines[0]) <= 120 {
		return indent + "/** " + lines[0] + " */"
	}
	var b strings.Builder
	b.WriteString(indent + "/**\n")
	for _, line := range lines {
		b.WriteString(strings.TrimRight(indent+" * "+line, " ") + "\n")
	}
	return b.String() + indent + " */"
}
