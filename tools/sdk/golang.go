package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"go/format"
	"slices"
	"strings"
	"text/template"
)

//go:embed go.tmpl
var goTemplate string

// goFiles returns the files of sdk/go.
func goFiles(a api) (map[string][]byte, error) {
	t, err := template.New("go").Funcs(template.FuncMap{
		"name": goName, "doc": doc, "arg": goArgument, "fieldType": fieldType, "tag": tag, "queryType": queryType,
		"baseType": baseType, "pathText": pathText,
		"lower":     func(s string) string { return strings.ToLower(s[:1]) + s[1:] },
		"upper":     func(s string) string { return strings.ToUpper(s[:1]) + s[1:] },
		"all":       func(o operation) string { return "All" + strings.TrimPrefix(goName(o.Name), "List") },
		"element":   func(o operation) string { return elementOf(a, o) },
		"lowerVerb": strings.ToLower,
		"enumName":  func(s string) string { return goName(strings.ToLower(s)) },
		"visible":   visible, "named": named, "returns": returnsOf, "codeName": codeName,
	}).Parse(goTemplate)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, name := range []string{"operations", "types", "codes"} {
		var b bytes.Buffer
		if err := t.ExecuteTemplate(&b, name, a); err != nil {
			return nil, err
		}
		source, err := format.Source(b.Bytes())
		if err != nil {
			return nil, fmt.Errorf("%s: %w\n%s", name, err, b.String())
		}
		files["go/"+name+"_gen.go"] = source
	}
	return files, nil
}

// visible returns the name of an operation's method. The methods that create, rotate or end a session are not exported,
// because the client keeps the tokens.
func visible(o operation) string {
	if o.Auth == "REFRESH" || o.Name == "login" {
		return o.Name + "Session"
	}
	return goName(o.Name)
}

// initialisms are the words that Go writes in capitals.
var initialisms = map[string]string{"Id": "ID", "Ids": "IDs", "Url": "URL", "Uri": "URI", "Totp": "TOTP", "Mfa": "MFA"}

// goName converts a name on the wire, such as user_id or createdAt, to an exported Go name.
func goName(name string) string {
	var words []string
	for part := range strings.SplitSeq(name, "_") {
		start := 0
		for i := 1; i <= len(part); i++ {
			if i == len(part) || part[i] >= 'A' && part[i] <= 'Z' {
				words = append(words, part[start:i])
				start = i
			}
		}
	}
	var b strings.Builder
	for _, w := range words {
		w = strings.ToUpper(w[:1]) + w[1:]
		if known, ok := initialisms[w]; ok {
			w = known
		}
		b.WriteString(w)
	}
	return b.String()
}

// goArgument returns the name of a parameter of a method.
func goArgument(name string) string {
	n := goName(name)
	if n == strings.ToUpper(n) {
		return strings.ToLower(n)
	}
	return strings.ToLower(n[:1]) + n[1:]
}

// codeName converts an error code to a Go name: PROMOTION_EXISTS to CodePromotionExists.
func codeName(code string) string {
	return "Code" + goName(strings.ToLower(code))
}

func baseType(f field) string {
	switch f.Type {
	case "string", "uuid", "date":
		return "string"
	case "timestamp":
		return "time.Time"
	case "boolean":
		return "bool"
	case "integer":
		return "int"
	case "number":
		return "float64"
	case "json":
		return "map[string]any"
	default:
		return f.Type
	}
}

// fieldType returns the type of a member. In a patch, a nil pointer means that the member does not change. In a request, an
// optional boolean is a pointer, because false differs from absent.
func fieldType(a api, o object, f field) string {
	t := baseType(f)
	isObject := slices.ContainsFunc(a.Types, func(o object) bool { return o.Name == f.Type })
	switch {
	case f.List:
		return "[]" + t
	case f.Type == "json":
		return t
	case o.Usage == "PATCH", !f.Required && (isObject || o.Usage == "REQUEST" && t == "bool"):
		return "*" + t
	default:
		return t
	}
}

func tag(o object, f field) string {
	switch {
	case f.Required || o.Usage == "ANSWER" && f.Type != "timestamp":
		return "`json:\"" + f.Name + "\"`"
	case f.Type == "timestamp":
		return "`json:\"" + f.Name + ",omitzero\"`"
	default:
		return "`json:\"" + f.Name + ",omitempty\"`"
	}
}

// pathText returns the text of a parameter in a path.
func pathText(f field) string {
	if baseType(f) != "string" {
		return "string(" + goArgument(f.Name) + ")"
	}
	return goArgument(f.Name)
}

func queryType(f field) string {
	if f.Type == "boolean" {
		return "*bool"
	}
	return baseType(f)
}

// elementOf returns the type of the elements of a page.
func elementOf(a api, o operation) string {
	for _, t := range a.Types {
		for _, f := range t.Fields {
			if t.Name == o.Answer && f.Name == o.Page {
				return baseType(f)
			}
		}
	}
	return ""
}

// returnsOf returns the result types of a method.
func returnsOf(o operation) string {
	if o.Answer == "" || o.Status == 204 {
		return "error"
	}
	return "(*" + o.Answer + ", error)"
}

// doc formats a comment with lines of at most 120 characters. Paragraphs that begin with a dash are elements of a list.
func doc(text string) string {
	var lines []string
	for paragraph := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		line, indent := "//", "//"
		if strings.HasPrefix(paragraph, "- ") {
			line, indent = "//  ", "//    "
		}
		for w := range strings.FieldsSeq(paragraph) {
			if len(line)+1+len(w) > 120 {
				lines = append(lines, line)
				line = indent
			}
			line += " " + w
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// named returns a description that begins with the Go name: "Returns a user." of GetUser becomes "GetUser returns a user.".
// Names of protobuf messages at the beginning are replaced.
func named(name, description string) string {
	first, rest, _ := strings.Cut(description, " ")
	message := strings.TrimSuffix(strings.TrimSuffix(name, "Input"), "Patch")
	switch {
	case first == name, description == "":
		return description
	case strings.HasSuffix(first, "Response"), first == message:
		return name + " " + rest
	default:
		return name + " " + strings.ToLower(description[:1]) + description[1:]
	}
}
