package main

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/casino-loyalty/loyalty/internal/schema"
)

// responseName returns the component name of a status's response, such as "NotFound".
func responseName(status int) string { return strings.ReplaceAll(http.StatusText(status), " ", "") }

// problemName returns the component name of a status's error schema, such as "NotFoundProblem".
func problemName(status int) string { return responseName(status) + "Problem" }

func (d *openAPI) components() object {
	var responses object
	problems := object{}
	for status := 400; status < 600; status++ {
		if d.statuses[status] {
			responses = append(responses, member{responseName(status), d.problemResponse(status)})
			problems = append(problems, member{problemName(status), d.statusProblem(status)})
		}
	}
	others := d.problemExamples(func(c schema.ErrorCode) bool { return !d.statuses[int(c.HTTP)] })
	responses = append(responses, member{"Error", response("Any other error.", "Problem", others)})
	o := object{
		{"schemas", append(append(d.schemas.list, d.commonProblem()...), problems...)},
		{"responses", responses},
		{"examples", d.examples},
	}
	return o.with("securitySchemes", d.securitySchemes())
}

// Names of the security schemes.
const (
	accessToken   = "accessToken"
	refreshCookie = "refreshCookie"
	refreshToken  = "refreshToken"
)

// securitySchemes returns the schemes that operations of the document use.
func (d *openAPI) securitySchemes() object {
	var used object
	for _, scheme := range (object{
		{accessToken, object{
			{"type", "http"}, {"scheme", "bearer"}, {"bearerFormat", "JWT"}, {"description", "The accessToken of a login."},
		}},
		{refreshCookie, object{
			{"type", "apiKey"}, {"in", "cookie"}, {"name", "__Secure-refresh_token"},
			{"description", "The refresh token as the cookie that login sets."},
		}},
		{refreshToken, object{
			{"type", "http"}, {"scheme", "bearer"}, {"description", "The refresh token of a login with refreshTokenIn BODY."},
		}},
	}) {
		if d.schemes[scheme.key] {
			used = append(used, scheme)
		}
	}
	return used
}

// problemResponse returns the response of a status. Its description lists the error codes of the status.
func (d *openAPI) problemResponse(status int) object {
	lines := []string{http.StatusText(status) + ":"}
	for _, c := range d.codes {
		if int(c.HTTP) == status {
			lines = append(lines, "- `"+c.Name+"`: "+cmp.Or(c.Meaning, c.Title+"."))
		}
	}
	examples := d.problemExamples(func(c schema.ErrorCode) bool { return int(c.HTTP) == status })
	o := response(strings.Join(lines, "\n"), problemName(status), examples)
	if status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable {
		return o
	}
	return o.with("headers", object{{"Retry-After", object{
		{"description", "The number of seconds to wait before the request is repeated."},
		{"required", true},
		{"schema", object{{"type", "integer"}, {"minimum", 1}}},
	}}})
}

func response(description, name string, examples object) object {
	content := object{{"schema", object{{"$ref", ref(name)}}}}.with("examples", examples)
	return object{{"description", description}, {"content", object{{"application/problem+json", content}}}}
}

// problemExamples returns an example of each error code that is selected.
func (d *openAPI) problemExamples(selected func(schema.ErrorCode) bool) object {
	var examples object
	for _, c := range d.codes {
		if selected(c) {
			examples = append(examples, member{c.Name, object{{"summary", c.Title}, {"value", problemExample(c)}}})
		}
	}
	return examples
}

func problemExample(c schema.ErrorCode) object {
	o := object{
		{"type", "urn:loyalty:error:" + c.Name}, {"title", c.Title}, {"status", c.HTTP}, {"detail", c.Title}, {"code", c.Name},
		{"instance", "/api/v1/example"}, {"requestId", "019a0000-0000-7000-8000-000000000001"},
	}
	if c.Name == "VALIDATION_FAILED" {
		const field, message = "page_size", "must be greater than or equal to 0"
		o = o.set("detail", field+": "+message).
			set("violations", []object{{{"field", field}, {"rule", "int32.gte"}, {"message", message}}})
	}
	for _, m := range c.Members {
		o = append(o, member{m.GetName(), cmp.Or(m.GetExample(), "019a0000-0000-7000-8000-000000000002")})
	}
	return o
}

// statusProblem returns the schema of the errors with the given status. It repeats the common members instead of referring
// to Problem. With a reference, the member code would have two types, which client generators merge incorrectly or not at
// all.
func (d *openAPI) statusProblem(status int) object {
	var names []string
	var members object
	for _, c := range d.codes {
		if int(c.HTTP) != status {
			continue
		}
		names = append(names, c.Name)
		for _, m := range c.Members {
			if members.has(m.GetName()) {
				continue
			}
			o := object{{"type", "string"}}.with("format", m.GetFormat())
			members = append(members, member{m.GetName(), o.with("description", "With "+c.Name+": "+m.GetDescription())})
		}
	}
	code := object{{"type", "string"}, {"enum", names}}
	return problem(http.StatusText(status)+" errors, as RFC 9457 problem details.", status, code, members)
}

// commonProblem returns the schema of an error of any status, and the schemas that it refers to.
func (d *openAPI) commonProblem() object {
	var names []string
	for _, c := range d.codes {
		names = append(names, c.Name)
	}
	return object{
		{"Problem", problem("An error, as RFC 9457 problem details. Some codes add members.", 0,
			object{{"$ref", ref("ErrorCode")}}, nil)},
		{"Violation", object{
			{"type", "object"},
			{"description", "A rule that the request breaks."},
			{"properties", object{
				{"field", described("The member or parameter, as the client wrote it.")},
				{"rule", described("The rule's name.")},
				{"message", described("What is wrong.")},
			}},
			{"required", []string{"field", "rule", "message"}},
		}},
		{"ErrorCode", object{
			{"type", "string"}, {"description", "The error codes. Later releases may add codes."}, {"enum", names},
		}},
	}
}

// problem returns the schema of a problem document. Status 0 means any status.
func problem(description string, status int, code, members object) object {
	number := object{{"type", "integer"}, {"format", "int32"}, {"description", "The HTTP status."}}
	if status != 0 {
		number = number.with("examples", []int{status})
	}
	properties := object{
		{"type", object{{"type", "string"}, {"format", "uri-reference"}}},
		{"title", described("What the code means.")},
		{"status", number},
		{"detail", described("What happened in this case.")},
		{"code", code},
		{"instance", described("The path of the request.")},
		{"requestId", described("The id of the request, as in the logs.")},
	}
	if status == 0 || status == http.StatusBadRequest {
		properties = append(properties,
			member{"violations", object{{"type", "array"}, {"items", object{{"$ref", ref("Violation")}}}}})
	}
	return object{
		{"type", "object"},
		{"description", description},
		{"properties", append(properties, members...)},
		{"required", []string{"type", "title", "status", "detail", "code", "instance", "requestId"}},
	}
}

func described(description string) object {
	return object{{"type", "string"}, {"description", description}}
}
