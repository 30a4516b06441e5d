package main

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/compiler/protogen"

	"github.com/casino-loyalty/loyalty/internal/schema"
)

// openAPI writes the OpenAPI document of one service.
type openAPI struct {
	service *service
	codes   []schema.ErrorCode
	sockets []*schema.Socket
	schemas *schemas
	// statuses are those of the errors that operations answer.
	statuses map[int]bool
}

func newOpenAPI(s *service, codes []schema.ErrorCode, sockets []*schema.Socket) *openAPI {
	return &openAPI{service: s, codes: codes, sockets: sockets, schemas: newSchemas(), statuses: map[int]bool{}}
}

func httpRule(m *protogen.Method) *annotations.HttpRule { return schema.MethodOf(m).HTTP }

// document returns the whole document.
func (d *openAPI) document() (object, error) {
	var paths object
	var tagList []object
	at := map[string]int{}
	for _, s := range d.service.services {
		tagList = append(tagList, object{{"name", string(s.Desc.Name())}}.
			with("description", sentence(s.Comments.Leading, s.GoName)))
		for _, m := range s.Methods {
			rule := httpRule(m)
			if rule == nil {
				continue
			}
			verb, route := verbAndRoute(rule)
			if verb == "" {
				return nil, fmt.Errorf("%s: its HTTP rule has no verb", m.Desc.FullName())
			}
			i, known := at[route]
			if !known {
				i = len(paths)
				at[route] = i
				paths = append(paths, member{route, object{}})
			}
			operations, _ := paths[i].value.(object)
			operations = append(operations, member{verb, d.operation(s, m)})
			paths[i].value = operations
		}
	}
	title := strings.ToUpper(d.service.name[:1]) + d.service.name[1:]
	return object{
		{"openapi", "3.1.0"},
		{"info", object{
			{"title", "Loyalty platform: " + title},
			{"version", "v1"},
			{"description", d.introduction()},
		}},
		{"servers", []object{{{"url", "/"}, {"description", "The gateway that serves this document."}}}},
		{"security", []object{{{"accessToken", []string{}}}}},
		{"tags", tagList},
		{"paths", paths},
		{"components", d.components()},
	}, nil
}

// introduction says what holds for all operations, and where the service's WebSockets are: OpenAPI has no place for
// them, and who reads this document would not find them elsewhere.
func (d *openAPI) introduction() string {
	var text strings.Builder
	text.WriteString("The REST API of the service " + d.service.name + ". Amounts are decimal texts with two places, " +
		"dates are days in UTC, instants are RFC 3339 in UTC. Members that a request does not know are refused. " +
		"The same procedures answer over Connect, gRPC and gRPC-Web.")
	for _, s := range d.sockets {
		if schema.Service(s.Message.Desc) == d.service.name {
			text.WriteString("\n\nA WebSocket is at `" + s.Path + "`. " + s.Description)
		}
	}
	return text.String()
}

func verbAndRoute(rule *annotations.HttpRule) (verb, route string) {
	switch p := rule.GetPattern().(type) {
	case *annotations.HttpRule_Get:
		return "get", p.Get
	case *annotations.HttpRule_Post:
		return "post", p.Post
	case *annotations.HttpRule_Put:
		return "put", p.Put
	case *annotations.HttpRule_Patch:
		return "patch", p.Patch
	case *annotations.HttpRule_Delete:
		return "delete", p.Delete
	}
	return "", ""
}

var pathParameter = regexp.MustCompile(`\{([a-z_]+)\}`)

func (d *openAPI) operation(s *protogen.Service, m *protogen.Method) object {
	says := schema.MethodOf(m)
	verb, route := verbAndRoute(says.HTTP)
	var inPath []string
	for _, match := range pathParameter.FindAllStringSubmatch(route, -1) {
		inPath = append(inPath, match[1])
	}
	o := object{
		{"tags", []string{string(s.Desc.Name())}},
		{"operationId", strings.ToLower(m.GoName[:1]) + m.GoName[1:]},
	}
	o = o.with("summary", sentence(m.Comments.Leading, m.GoName)).with("description", d.description(m, says))
	if parameters := d.parameters(m, says, inPath); len(parameters) > 0 {
		o = o.with("parameters", parameters)
	}
	hasBody := says.HTTP.GetBody() != ""
	if hasBody {
		o = o.with("requestBody", d.body(m, says, verb, inPath))
	}
	o = o.with("responses", d.responses(m, says, hasBody, len(inPath) > 0))
	switch {
	case says.Access.GetPublic():
		o = append(o, member{"security", []object{}})
	case says.Access.GetRefreshToken():
		o = append(o, member{"security", []object{{{"refreshCookie", []string{}}}, {{"refreshToken", []string{}}}, {}}})
	}
	return o
}

// description is the method's comment and who may call.
func (d *openAPI) description(m *protogen.Method, says schema.Method) string {
	text := predicate(m.Comments.Leading, m.GoName)
	var roles []string
	for _, r := range says.Access.GetRoles() {
		roles = append(roles, r.String())
	}
	switch {
	case says.Access.GetPublic():
		text += "\n\nFor anyone."
	case says.Access.GetRefreshToken():
		text += "\n\nFor the holder of a refresh token: in the body, in the cookie or as bearer token, the first that is " +
			"there."
	default:
		text += "\n\nFor " + strings.Join(roles, ", ") + "."
	}
	if own := says.Access.GetOwn(); own != "" {
		text += " A player's own `" + own + "` only."
	}
	return text
}

// parameters are those of the path, of the query and the headers.
func (d *openAPI) parameters(m *protogen.Method, says schema.Method, inPath []string) []object {
	var list []object
	for _, f := range m.Input.Fields {
		name := string(f.Desc.Name())
		switch {
		case slices.Contains(inPath, name):
			list = append(list, d.parameter(f, "path", true))
		case says.HTTP.GetBody() != "*" && says.HTTP.GetBody() != name:
			list = append(list, d.parameter(f, "query", isRequired(f, request)))
		}
	}
	for _, h := range says.Headers {
		list = append(list, object{{"name", h.GetName()}, {"in", "header"}}.with("description", h.GetDescription()).
			with("schema", object{{"type", "string"}}))
	}
	return list
}

func (d *openAPI) parameter(f *protogen.Field, in string, required bool) object {
	o := object{{"name", string(f.Desc.Name())}, {"in", in}}
	if required {
		o = o.with("required", true)
	}
	o = o.with("description", comment(f.Comments.Leading))
	value := d.schemas.value(f, request)
	if f.Desc.Name() == "page_size" {
		o = o.with("description", "How many to answer at most; more than 100 is lowered to 100.")
		value = value.with("default", 20)
	}
	if f.Desc.Name() == "page_token" {
		o = o.with("description", "The nextPageToken of the page before, with the same filters.")
	}
	return o.with("schema", value)
}

func (d *openAPI) body(m *protogen.Method, says schema.Method, verb string, inPath []string) object {
	var reference string
	required := false
	if name := says.HTTP.GetBody(); name == "*" {
		reference = d.schemas.message(m.Input, request, inPath...)
		for _, f := range m.Input.Fields {
			required = required || isRequired(f, request) && !slices.Contains(inPath, string(f.Desc.Name()))
		}
	} else {
		required = true
		way := create
		if verb == "patch" {
			way = patch
		}
		for _, f := range m.Input.Fields {
			if string(f.Desc.Name()) == name {
				reference = d.schemas.message(f.Message, way)
			}
		}
	}
	o := object{}
	if required {
		o = o.with("required", true)
	}
	return o.with("content", object{{"application/json", object{{"schema", object{{"$ref", reference}}}}}})
}

func (d *openAPI) responses(m *protogen.Method, says schema.Method, hasBody, hasPath bool) object {
	success := object{{"description", http.StatusText(says.Status)}}
	if says.Status != http.StatusNoContent {
		success = success.with("content", object{
			{"application/json", object{{"schema", object{{"$ref", d.schemas.message(m.Output, answer)}}}}},
		})
	}
	o := object{{strconv.Itoa(says.Status), success}}
	for _, status := range d.errors(m, says, hasBody, hasPath) {
		d.statuses[status] = true
		o = append(o, member{strconv.Itoa(status), object{{"$ref", "#/components/responses/" + responseName(status)}}})
	}
	return append(o, member{"default", object{{"$ref", "#/components/responses/Error"}}})
}

var word = regexp.MustCompile(`[A-Z]+(_[A-Z]+)+`)

// errors are the statuses of the errors that follow from the method's form and access and that its comment names.
func (d *openAPI) errors(m *protogen.Method, says schema.Method, hasBody, hasPath bool) []int {
	statuses := []int{
		http.StatusBadRequest, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable,
	}
	if hasBody {
		statuses = append(statuses, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	if hasPath {
		statuses = append(statuses, http.StatusNotFound)
	}
	if len(says.Access.GetRoles()) > 0 {
		statuses = append(statuses, http.StatusUnauthorized, http.StatusForbidden)
	}
	if says.Access.GetRefreshToken() {
		statuses = append(statuses, http.StatusUnauthorized)
	}
	named := word.FindAllString(string(m.Comments.Leading), -1)
	for _, h := range says.Headers {
		named = append(named, word.FindAllString(h.GetDescription(), -1)...)
	}
	for _, c := range d.codes {
		if slices.Contains(named, c.Name) {
			statuses = append(statuses, int(c.HTTP))
		}
	}
	slices.Sort(statuses)
	return slices.Compact(statuses)
}

// predicate is a comment without the name that it begins with.
func predicate(c protogen.Comments, name string) string {
	text := strings.TrimPrefix(comment(c), name+" ")
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// sentence is the first sentence of a comment without the name that it begins with, and without the full stop.
func sentence(c protogen.Comments, name string) string {
	first, _, _ := strings.Cut(predicate(c, name), ". ")
	return strings.TrimSuffix(first, ".")
}
