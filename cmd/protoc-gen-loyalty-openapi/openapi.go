package main

import (
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/proto"

	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
	"github.com/casino-loyalty/loyalty/internal/limits"
	"github.com/casino-loyalty/loyalty/internal/schema"
	"github.com/casino-loyalty/loyalty/internal/schema/restroute"
)

// openAPI writes the OpenAPI document of one service.
type openAPI struct {
	service *service
	codes   []schema.ErrorCode
	sockets []*schema.Socket
	schemas *schemas
	// examples are the examples of bodies and answers by the names of their schemas.
	examples object
	// err holds the errors of examples.
	err error
	// statuses are the statuses of the errors that operations return.
	statuses map[int]bool
	// schemes are the security schemes that operations use.
	schemes map[string]bool
}

func newOpenAPI(s *service, codes []schema.ErrorCode, sockets []*schema.Socket, names *namer) *openAPI {
	return &openAPI{
		service: s, codes: codes, sockets: sockets, schemas: newSchemas(names), statuses: map[int]bool{},
		schemes: map[string]bool{},
	}
}

// document returns the whole document.
func (d *openAPI) document() (object, error) {
	var paths object
	var tags []object
	at := map[string]int{}
	for _, s := range d.service.services {
		tags = append(tags, object{{"name", string(s.Desc.Name())}}.
			with("description", sentence(s.Comments.Leading, s.GoName)))
		for _, m := range s.Methods {
			for number, route := range d.service.routes[m] {
				i, known := at[route.Path]
				if !known {
					i = len(paths)
					at[route.Path] = i
					paths = append(paths, member{route.Path, object{}})
				}
				operations, _ := paths[i].value.(object)
				operations = append(operations, member{strings.ToLower(route.Verb), d.operation(s, m, route, number)})
				paths[i].value = operations
			}
		}
	}
	title := strings.ToUpper(d.service.name[:1]) + d.service.name[1:]
	o := object{
		{"openapi", "3.1.0"},
		{"info", info("Loyalty platform: "+title, d.introduction())},
		{"servers", []object{{{"url", "/"}, {"description", "The gateway that serves this document."}}}},
	}
	if d.schemes[accessToken] {
		o = o.with("security", []object{{{accessToken, []string{}}}})
	}
	return append(o, member{"tags", tags}, member{"paths", paths}, member{"components", d.components()}), d.err
}

// info returns the info object of a document, with contact and license.
func info(title, description string) object {
	return object{
		{"title", title},
		{"version", "v1"},
		{"description", description},
		{"contact", object{{"name", "Casino Loyalty"}, {"url", "https://github.com/casino-loyalty/loyalty"}}},
		{"license", object{{"name", "Apache-2.0"}, {"url", "https://www.apache.org/licenses/LICENSE-2.0"}}},
	}
}

// introduction describes the conventions of all operations. It also describes the service's WebSockets, because OpenAPI
// cannot express them.
func (d *openAPI) introduction() string {
	var text strings.Builder
	text.WriteString("The REST API of the service " + d.service.name + ". Amounts are decimal strings with two places, " +
		"dates are days in UTC, instants are RFC 3339 in UTC. No member is null. A request with an unknown member is refused. " +
		"The same procedures are available over Connect, gRPC and gRPC-Web.")
	for _, s := range d.sockets {
		if schema.Service(s.Message.Desc) == d.service.name {
			text.WriteString("\n\nThere is a WebSocket at `" + s.Path + "`. " + s.Description)
		}
	}
	return text.String()
}

// operation returns the operation of one route of m. number is the index of the route among the routes of m.
func (d *openAPI) operation(s *protogen.Service, m *protogen.Method, route restroute.Route, number int) object {
	method := schema.MethodOf(m)
	var inPath []string
	for _, segment := range route.Segments() {
		if name, ok := restroute.Variable(segment); ok {
			inPath = append(inPath, name)
		}
	}
	id := strings.ToLower(m.GoName[:1]) + m.GoName[1:]
	if number > 0 {
		id += strconv.Itoa(number + 1)
	}
	o := object{{"tags", []string{string(s.Desc.Name())}}, {"operationId", id}}
	if isDeprecated(m.Desc) {
		o = append(o, member{"deprecated", true})
	}
	o = o.with("summary", sentence(m.Comments.Leading, m.GoName)).with("description", d.description(m, method))
	if parameters := d.parameters(m, method, route, inPath); len(parameters) > 0 {
		o = o.with("parameters", parameters)
	}
	if route.Body != "" {
		o = o.with("requestBody", d.body(m, route, inPath))
	}
	o = o.with("responses", d.responses(m, method, route.Body != "", len(inPath) > 0))
	o = o.with("x-error-codes", d.namedCodes(m, method))
	switch {
	case method.Access.GetPublic():
		return append(o, member{"security", []object{}})
	case method.Access.GetRefreshToken():
		d.schemes[refreshCookie], d.schemes[refreshToken] = true, true
		return append(o, member{"security", []object{{{refreshCookie, []string{}}}, {{refreshToken, []string{}}}, {}}})
	default:
		d.schemes[accessToken] = true
		return o
	}
}

// description returns the method's comment, followed by the access rules of the method.
func (d *openAPI) description(m *protogen.Method, method schema.Method) string {
	text := predicate(m.Comments.Leading, m.GoName)
	var roles []string
	for _, r := range method.Access.GetRoles() {
		roles = append(roles, r.String())
	}
	switch {
	case method.Access.GetPublic():
		text += "\n\nNo token is needed."
	case method.Access.GetRefreshToken():
		text += "\n\nNeeds a refresh token: in the body, in the cookie, or as bearer token. " +
			"The platform uses the first token in this order."
	default:
		text += "\n\nRoles: " + strings.Join(roles, ", ") + "."
	}
	if own := method.Access.GetOwn(); own != "" {
		text += " A player may give only its own id as `" + own + "`."
	}
	return text
}

// parameters returns the parameters in the path, the query and the headers.
func (d *openAPI) parameters(
	m *protogen.Method, method schema.Method, route restroute.Route, inPath []string,
) []object {
	var list []object
	for _, f := range m.Input.Fields {
		name := string(f.Desc.Name())
		switch {
		case slices.Contains(inPath, name):
			list = append(list, d.parameter(f, "path", true))
		case isMask(f):
			list = append(list, d.mask(f, m.Input, route.Body))
		case route.Body != "*" && route.Body != name:
			list = append(list, d.parameter(f, "query", isRequired(f, request)))
		}
	}
	for _, h := range method.Headers {
		value := object{{"type", "string"}}
		if h.GetName() == restroute.HeaderIdempotencyKey { // printable ASCII; spaces around the value do not belong to it
			value = value.with("pattern", "^[!-~]([ -~]*[!-~])?$").with("maxLength", limits.IdempotencyKey)
		}
		list = append(list, object{{"name", h.GetName()}, {"in", "header"}}.with("description", h.GetDescription()).
			with("schema", value))
	}
	return list
}

// mask returns the parameter of an update that names the members of the body to change. The body is a field of the request.
func (d *openAPI) mask(f *protogen.Field, request *protogen.Message, body string) object {
	o := d.parameter(f, "query", false)
	at := slices.IndexFunc(request.Fields, func(f *protogen.Field) bool { return string(f.Desc.Name()) == body })
	var names []string
	for _, member := range request.Fields[at].Message.Fields {
		if !isChangeable(member) {
			continue
		}
		names = append(names, regexp.QuoteMeta(member.Desc.JSONName()))
		if !schema.IsEmbedded(member) {
			continue
		}
		for _, part := range member.Message.Fields {
			if isChangeable(part) {
				names = append(names, regexp.QuoteMeta(member.Desc.JSONName()+"."+part.Desc.JSONName()))
			}
		}
	}
	name := "(" + strings.Join(names, "|") + ")"
	value, _ := o[len(o)-1].value.(object)
	o[len(o)-1].value = value.with("pattern", "^[, ]*$|^"+name+"(,"+name+")*$")
	return o
}

// isChangeable reports whether updates can change a field.
func isChangeable(f *protogen.Field) bool {
	b := behaviorOf(f)
	return !b.outputOnly && !b.immutable
}

func isMask(f *protogen.Field) bool {
	return f.Message != nil && f.Desc.Message().FullName() == "google.protobuf.FieldMask"
}

func (d *openAPI) parameter(f *protogen.Field, in string, required bool) object {
	o := object{{"name", string(f.Desc.Name())}, {"in", in}}
	if required {
		o = o.with("required", true)
	}
	value, description := d.schemas.value(f, request), comment(f.Comments.Leading)
	switch f.Desc.Name() {
	case "page_size":
		description = "The number of entries on a page. Values above 100 mean 100."
		// Without a format, because every number is accepted, however large.
		value = object{{"type", "integer"}, {"minimum", 0}, {"default", 20}}
	case "page_token":
		description = "The nextPageToken of the previous page, with the same filters."
	}
	if isDeprecated(f.Desc) {
		o = append(o, member{"deprecated", true})
	}
	if in == "path" {
		example := textExample(f, request)
		switch {
		case f.Enum != nil:
			example = string(f.Enum.Values[1].Desc.Name())
		case description == "":
			description = "The id of the " + strings.ReplaceAll(strings.TrimSuffix(string(f.Desc.Name()), "_id"), "_", " ") + "."
		}
		return o.with("description", description).with("schema", value).with("example", example)
	}
	return o.with("description", description).with("schema", value)
}

// body returns the request body. It is the whole request message if route.Body is "*", and otherwise the field that
// route.Body names.
func (d *openAPI) body(m *protogen.Method, route restroute.Route, inPath []string) object {
	if option, ok := proto.GetExtension(m.Desc.Options(), optionsv1.E_Upload).(*optionsv1.Upload); ok && option != nil {
		return object{{"required", true}, {"content", object{{option.GetMedia(), fileContent(option.GetExample())}}}}
	}
	var content object
	required := false
	for _, f := range m.Input.Fields {
		name := string(f.Desc.Name())
		switch {
		case route.Body == "*":
			required = required || isRequired(f, request) && !slices.Contains(inPath, name)
		case name == route.Body && route.Verb == http.MethodPatch:
			content, required = d.content(f.Message, patch), true
		case name == route.Body:
			content, required = d.content(f.Message, create), true
		}
	}
	if route.Body == "*" {
		content = d.content(m.Input, request, inPath...)
	}
	o := object{}
	if required {
		o = o.with("required", true)
	}
	media := object{{"application/json", content}}
	if route.Verb == http.MethodPatch {
		media = media.with("application/merge-patch+json", content)
	}
	return o.with("content", media)
}

// content returns the schema and an example of a message without the given fields.
func (d *openAPI) content(m *protogen.Message, as direction, omit ...string) object {
	reference := d.schemas.message(m, as, omit...)
	name := strings.TrimPrefix(reference, ref(""))
	if !d.examples.has(name) {
		value, err := messageExample(m, as, omit...)
		d.err = errors.Join(d.err, err)
		d.examples = append(d.examples, member{name, object{{"value", value}}})
	}
	return object{
		{"schema", object{{"$ref", reference}}},
		{"examples", object{{"example", object{{"$ref", "#/components/examples/" + name}}}}},
	}
}

// fileContent returns the schema and an example of a file.
func fileContent(example string) object {
	return object{
		{"schema", object{{"type", "string"}}},
		{"examples", object{{"example", object{{"value", example}}}}},
	}
}

func (d *openAPI) responses(m *protogen.Method, method schema.Method, hasBody, hasPath bool) object {
	var o object
	successes := []int{method.Status}
	if method.MayExist {
		successes = []int{http.StatusOK, method.Status}
	}
	for _, status := range successes {
		success := object{{"description", http.StatusText(status)}}
		if status != http.StatusNoContent {
			content := object{{"application/json", d.content(m.Output, answer)}}
			if i := slices.IndexFunc(m.Output.Fields, schema.IsCSV); i >= 0 {
				table, err := csvExample(m.Output.Fields[i].Message)
				d.err = errors.Join(d.err, err)
				content = content.with("text/csv", fileContent(table))
			}
			success = success.with("content", content)
		}
		o = append(o, member{strconv.Itoa(status), success})
	}
	for _, status := range d.errors(m, method, hasBody, hasPath) {
		d.statuses[status] = true
		o = append(o, member{strconv.Itoa(status), object{{"$ref", "#/components/responses/" + responseName(status)}}})
	}
	return append(o, member{"default", object{{"$ref", "#/components/responses/Error"}}})
}

var word = regexp.MustCompile(`[A-Z]+(_[A-Z]+)+`)

// errors returns the sorted HTTP statuses of the errors that m can return. They depend on m's access, on whether its route
// has a body or path parameters, and on the error codes in the comments of m and of its headers.
func (d *openAPI) errors(m *protogen.Method, method schema.Method, hasBody, hasPath bool) []int {
	statuses := []int{
		http.StatusBadRequest, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable,
	}
	if hasBody {
		statuses = append(statuses, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	if hasPath {
		statuses = append(statuses, http.StatusNotFound)
	}
	if len(method.Access.GetRoles()) > 0 {
		statuses = append(statuses, http.StatusUnauthorized, http.StatusForbidden)
	}
	if method.Access.GetRefreshToken() {
		statuses = append(statuses, http.StatusUnauthorized)
	}
	named := d.namedCodes(m, method)
	for _, c := range d.codes {
		if slices.Contains(named, c.Name) {
			statuses = append(statuses, int(c.HTTP))
		}
	}
	slices.Sort(statuses)
	return slices.Compact(statuses)
}

// namedCodes returns the error codes in the comments of m and of its headers, in the order of the schema.
func (d *openAPI) namedCodes(m *protogen.Method, method schema.Method) []string {
	named := word.FindAllString(string(m.Comments.Leading), -1)
	for _, h := range method.Headers {
		named = append(named, word.FindAllString(h.GetDescription(), -1)...)
	}
	var codes []string
	for _, c := range d.codes {
		if slices.Contains(named, c.Name) {
			codes = append(codes, c.Name)
		}
	}
	return codes
}

// predicate returns a comment without the name at its beginning.
func predicate(c protogen.Comments, name string) string {
	text := strings.TrimPrefix(comment(c), name+" ")
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// sentence returns the first sentence of a comment, without the name at its beginning and without the full stop.
func sentence(c protogen.Comments, name string) string {
	first, _, _ := strings.Cut(predicate(c, name), ". ")
	return strings.TrimSuffix(first, ".")
}
