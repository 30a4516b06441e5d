package main

import (
	"bytes"
	_ "embed"
	"slices"
	"strings"
	"text/template"
)

//go:embed python.tmpl
var pythonTemplate string

// pythonFiles returns the files of sdk/python.
func pythonFiles(a api) (map[string][]byte, error) {
	p := python{a}
	t, err := template.New("python").Funcs(template.FuncMap{
		"name": pythonName, "className": errorClass, "doc": pythonDoc, "exported": p.exported, "method": hasMethod,
		"fieldType": p.fieldType, "reader": p.reader, "body": p.body, "summary": summary,
		"argument": pythonArgument, "argumentType": p.argumentType, "returns": pythonReturns,
		"part":     p.isPart,
		"partType": p.partType,
		"must":     func(f field) bool { return f.Required },
		"constant": func(o operation) string { return strings.ToUpper(pythonName(o.Name)) },
		"element":  func(o operation) string { return "t." + elementOf(a, o) },
		"all":      func(o operation) string { return "all_" + strings.TrimPrefix(pythonName(o.Name), "list_") },
	}).Parse(pythonTemplate)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	write := func(file, name string, data any) error {
		var b bytes.Buffer
		if err := t.ExecuteTemplate(&b, name, data); err != nil {
			return err
		}
		files["python/casino_loyalty/_"+file+"_gen.py"] = wrapPython(b.String())
		return nil
	}
	for _, name := range []string{"codes", "errors", "types", "operations"} {
		if err := write(name, name, a); err != nil {
			return nil, err
		}
	}
	if err := write("sync", "client", pythonClient{Operations: a.Operations, Def: "def"}); err != nil {
		return nil, err
	}
	return files, write("async", "client", pythonClient{a.Operations, true, "async def", "await ", "Async"})
}

// pythonClient is one form of the client: with blocking calls, or asynchronous.
type pythonClient struct {
	Operations         []operation
	Async              bool
	Def, Await, Prefix string
}

type python struct{ api api }

// hasMethod reports whether an operation is a method. The client itself creates, rotates and ends sessions.
func hasMethod(o operation) bool { return o.Auth != "REFRESH" && o.Name != "login" }

// exported returns the names of all types that users see.
func (p python) exported() []string {
	hidden := []string{p.api.Frame, "Reset", "RefreshTokenIn"}
	for _, o := range p.api.Operations {
		if !hasMethod(o) {
			hidden = append(hidden, o.Answer)
		}
	}
	var names []string
	for _, e := range p.api.Enums {
		names = append(names, e.Name)
	}
	for _, o := range p.api.Types {
		if o.Usage == "ANSWER" || p.isPart(o.Name) {
			names = append(names, o.Name)
		}
	}
	names = slices.DeleteFunc(names, func(name string) bool { return slices.Contains(hidden, name) })
	slices.Sort(names)
	return names
}

// body returns the members of the body of an operation.
func (p python) body(o operation) []field {
	i := slices.IndexFunc(p.api.Types, func(t object) bool { return t.Name == o.Body })
	if i < 0 {
		return nil
	}
	fields := slices.Clone(p.api.Types[i].Fields)
	slices.SortStableFunc(fields, func(a, b field) int { return rank(a) - rank(b) })
	return fields
}

// rank orders parameters: Python wants those without a default first.
func rank(f field) int {
	if f.Required {
		return 0
	}
	return 1
}

func (p python) isEnum(name string) bool {
	return slices.ContainsFunc(p.api.Enums, func(e enum) bool { return e.Name == name })
}

// isPart reports whether a type is a member of a body. The members of the body itself are parameters of the method.
func (p python) isPart(name string) bool {
	isBody := slices.ContainsFunc(p.api.Operations, func(o operation) bool { return o.Body == name })
	return !isBody && slices.ContainsFunc(p.api.Types, func(t object) bool { return t.Name == name && t.Usage != "ANSWER" })
}

// partType returns the type of a member of a part, with its default.
func (p python) partType(f field) string {
	t := strings.ReplaceAll(p.argumentType(f), "t.", "")
	if !f.Required {
		t += " = None"
	}
	return t
}

// baseType returns the type of a single value of an answer.
func (p python) baseType(f field) string {
	if f.Format == "amount" {
		return "Decimal"
	}
	switch f.Type {
	case "string", "uuid":
		return "str"
	case "date":
		return "date"
	case "timestamp":
		return "datetime"
	case "boolean":
		return "bool"
	case "integer":
		return "int"
	case "number":
		return "float"
	case "json":
		return "dict[str, Any]"
	default:
		return f.Type
	}
}

// fieldType returns the type of a member of an answer, with its default.
func (p python) fieldType(f field) string {
	switch t := p.baseType(f); {
	case f.List:
		return "list[" + t + "]"
	case f.Required:
		return t
	default:
		return t + " | None = None"
	}
}

// reader returns the function that reads a value.
func (p python) reader(f field) string {
	if f.Format == "amount" {
		return "v.amount"
	}
	switch f.Type {
	case "string", "uuid":
		return "v.text"
	case "date":
		return "v.day"
	case "timestamp", "boolean", "integer", "number", "json":
		return "v." + f.Type
	default:
		if p.isEnum(f.Type) {
			return f.Type
		}
		return f.Type + ".from_json"
	}
}

// argumentType returns the type of a parameter of a method. Texts are accepted wherever that is convenient.
func (p python) argumentType(f field) string {
	t := p.baseType(f)
	switch {
	case t == "Decimal":
		t = "Decimal | int | str"
	case t == "date":
		t = "date | str"
	case p.isEnum(t):
		t = "t." + t + " | str"
	case p.isPart(t):
		t = "t." + t
	}
	if f.List {
		t = "Sequence[" + t + "]"
	}
	if !f.Required {
		t += " | None"
	}
	return t
}

// pythonArgument returns the expression that encodes an argument of a method.
func pythonArgument(f field) string {
	if f.Format == "amount" {
		return "encode_amount(" + pythonName(f.Name) + ")"
	}
	return pythonName(f.Name)
}

// pythonReturns returns the type of the result of a method.
func pythonReturns(o operation) string {
	if o.Answer == "" || o.Status == 204 {
		return "None"
	}
	return "t." + o.Answer
}

// pythonName converts a name on the wire, such as createdAt, to a Python name: created_at.
func pythonName(name string) string {
	var b strings.Builder
	for i, c := range name {
		if c >= 'A' && c <= 'Z' {
			if i > 0 {
				b.WriteByte('_')
			}
			c += 'a' - 'A'
		}
		b.WriteRune(c)
	}
	if n := b.String(); n != "from" {
		return n
	}
	return "from_" // a keyword
}

// errorClass returns the name of the exception of an error code: PROMOTION_EXISTS is PromotionExistsError.
func errorClass(code string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(strings.ToLower(code), "_") {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String() + "Error"
}

// summary describes an operation, with the exceptions that are specific to it.
func summary(o operation) string {
	text := o.Description
	first, rest, _ := strings.Cut(text, " ")
	if strings.HasSuffix(first, "Response") {
		text = strings.ToUpper(rest[:1]) + rest[1:]
	}
	var classes []string
	for _, code := range o.Errors {
		classes = append(classes, errorClass(code))
	}
	if len(classes) > 0 {
		text += "\n\nIt raises " + strings.Join(classes, ", ") + "."
	}
	return text
}

// pythonDoc formats a docstring with lines of at most 120 characters. Each text is a paragraph or several.
func pythonDoc(indent int, texts ...string) string {
	margin := strings.Repeat(" ", indent)
	text := strings.TrimSpace(strings.Join(texts, "\n\n"))
	text = strings.NewReplacer("`", "``", `\`, `\\`, `"""`, `'''`).Replace(strings.ReplaceAll(text, "``", "`"))
	var lines []string
	list := false
	for paragraph := range strings.SplitSeq(text, "\n") {
		line, next := margin, margin
		if len(lines) == 0 {
			line += `"""`
		}
		if strings.HasPrefix(paragraph, "- ") {
			next += "  "
			if !list {
				lines = append(lines, "")
			}
		}
		list = next != margin
		start := len(line)
		for w := range strings.FieldsSeq(paragraph) {
			if len(line)+1+len(w) > 117 {
				lines = append(lines, line)
				line, start = next, len(next)
			}
			if len(line) > start {
				line += " "
			}
			line += w
		}
		lines = append(lines, strings.TrimRight(line, " "))
	}
	last := len(lines) - 1
	if last > 0 {
		return strings.Join(lines, "\n") + "\n" + margin + `"""`
	}
	if strings.HasSuffix(lines[last], `"`) {
		lines[last] += " "
	}
	return lines[last] + `"""`
}

// wrapPython puts each argument of a long line with brackets on a line of its own.
func wrapPython(source string) []byte {
	var b strings.Builder
	for line := range strings.SplitSeq(strings.TrimLeft(source, "\n"), "\n") {
		wrapLine(&b, strings.TrimRight(line, " "))
	}
	return []byte(strings.TrimRight(b.String(), "\n") + "\n")
}

func wrapLine(b *strings.Builder, line string) {
	open := strings.IndexAny(line, "({")
	if len(line) <= 120 || open < 0 || strings.Contains(line, `"""`) {
		b.WriteString(strings.ReplaceAll(strings.ReplaceAll(line, ", )", ",)"), ", }", "}") + "\n")
		return
	}
	closing := strings.LastIndexAny(line, ")}")
	margin := line[:len(line)-len(strings.TrimLeft(line, " "))]
	b.WriteString(line[:open+1] + "\n")
	for part := range strings.SplitSeq(strings.TrimSuffix(line[open+1:closing], ", "), ", ") {
		b.WriteString(margin + "    " + part + ",\n")
	}
	b.WriteString(margin + line[closing:] + "\n")
}
