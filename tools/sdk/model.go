package main

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// api describes everything that an SDK calls, independent of its language. It is written as sdk/api.json.
type api struct {
	Operations []operation `json:"operations"`
	Types      []object    `json:"types"`
	Enums      []enum      `json:"enums"`
	ErrorCodes []errorCode `json:"errorCodes"`
	// Frame is the type of the messages on the WebSocket of the live inbox.
	Frame string `json:"frame"`
}

// operation is one REST route.
type operation struct {
	Name        string `json:"name"`
	Service     string `json:"service"`
	Summary     string `json:"summary"`
	Description string `json:"description"`
	Verb        string `json:"verb"`
	Path        string `json:"path"`
	// Auth is the token of the call: NONE, ACCESS or REFRESH.
	Auth string `json:"auth"`
	// Repeat says when a client may repeat the call after its answer was lost: SAFE at any time, KEY with the same
	// Idempotency-Key, TOKEN within ten seconds with the same refresh token, NO never.
	Repeat     string  `json:"repeat"`
	PathParams []field `json:"pathParams"`
	// Query are the parameters of the query, without page_token if the operation is paged.
	Query []field `json:"query"`
	// Body is the type of the body, or empty.
	Body string `json:"body,omitempty"`
	// Status is the status of success, and Answer the type of the answer, or empty without a body.
	Status int    `json:"status"`
	Answer string `json:"answer,omitempty"`
	// Page is the member of the answer with the elements of a page, or empty if the operation is not paged.
	Page string `json:"page,omitempty"`
	// Errors are the error codes that are specific to the operation.
	Errors []string `json:"errors"`
}

// object is a type with members.
type object struct {
	Name        string  `json:"name"`
	Description string  `json:"description,omitempty"`
	Fields      []field `json:"fields"`
	// Usage is ANSWER, REQUEST or PATCH. In a patch, only the members that are present change something.
	Usage string `json:"usage"`
}

// field is a member or a parameter.
type field struct {
	// Name is the name on the wire.
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	// Type is string, uuid, date, timestamp, boolean, integer, number, json, or the name of an enum or a type.
	Type string `json:"type"`
	// Format is "amount" for a string with a decimal number.
	Format string `json:"format,omitempty"`
	// List is true for an array of Type.
	List bool `json:"list,omitempty"`
	// Required is true for a member that is always present.
	Required bool `json:"required,omitempty"`
}

type enum struct {
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Values      []string `json:"values"`
}

type errorCode struct {
	Name   string `json:"name"`
	Status int    `json:"status"`
	Title  string `json:"title"`
	// Retryable is true if the same call may succeed later.
	Retryable bool `json:"retryable"`
}

// document is the part of an OpenAPI document that the SDKs use.
type document struct {
	Paths      ordered[ordered[route]] `yaml:"paths"`
	Components struct {
		Schemas ordered[schema] `yaml:"schemas"`
	} `yaml:"components"`
}

type route struct {
	Tags        []string               `yaml:"tags"`
	OperationID string                 `yaml:"operationId"`
	Summary     string                 `yaml:"summary"`
	Description string                 `yaml:"description"`
	Security    *[]map[string][]string `yaml:"security"`
	Parameters  []struct {
		Name        string `yaml:"name"`
		In          string `yaml:"in"`
		Required    bool   `yaml:"required"`
		Description string `yaml:"description"`
		Schema      schema `yaml:"schema"`
	} `yaml:"parameters"`
	RequestBody struct {
		Content map[string]content `yaml:"content"`
	} `yaml:"requestBody"`
	Responses map[string]struct {
		Content map[string]content `yaml:"content"`
	} `yaml:"responses"`
	Errors []string `yaml:"x-error-codes"`
}

type content struct {
	Schema schema `yaml:"schema"`
}

type schema struct {
	Ref         string          `yaml:"$ref"`
	Type        string          `yaml:"type"`
	Format      string          `yaml:"format"`
	Pattern     string          `yaml:"pattern"`
	Minimum     string          `yaml:"x-minimum"`
	Description string          `yaml:"description"`
	Enum        []string        `yaml:"enum"`
	Properties  ordered[schema] `yaml:"properties"`
	Required    []string        `yaml:"required"`
	Items       *schema         `yaml:"items"`
	Additional  *bool           `yaml:"additionalProperties"`
}

// ordered is a YAML mapping in the order of the document.
type ordered[T any] []entry[T]

type entry[T any] struct {
	key   string
	value T
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (o *ordered[T]) UnmarshalYAML(node *yaml.Node) error {
	for i := 0; i+1 < len(node.Content); i += 2 {
		e := entry[T]{key: node.Content[i].Value}
		if err := node.Content[i+1].Decode(&e.value); err != nil {
			return err
		}
		*o = append(*o, e)
	}
	return nil
}

// load reads the OpenAPI documents. The same type may occur in several documents.
func load(documents fs.FS) (api, error) {
	names, err := fs.Glob(documents, "*.openapi.yaml")
	if err != nil || len(names) == 0 {
		return api{}, fmt.Errorf("no OpenAPI documents: %w", err)
	}
	var a api
	for _, name := range names {
		data, err := fs.ReadFile(documents, name)
		if err != nil {
			return api{}, err
		}
		var d document
		if err := yaml.Unmarshal(data, &d); err != nil {
			return api{}, fmt.Errorf("%s: %w", name, err)
		}
		if err := a.add(strings.TrimSuffix(name, ".openapi.yaml"), d); err != nil {
			return api{}, fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := a.addFrames(documents); err != nil {
		return api{}, err
	}
	codes := apperr.Codes()
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		info := codes[code]
		a.ErrorCodes = append(a.ErrorCodes, errorCode{string(code), info.HTTP, info.Title, info.Retryable})
	}
	return a, nil
}

// addFrames adds the type of the frames, and the types that it uses, from the AsyncAPI document.
func (a *api) addFrames(documents fs.FS) error {
	const name, frame = "asyncapi.yaml", "Frame"
	data, err := fs.ReadFile(documents, name)
	if err != nil {
		return err
	}
	var d document
	if err := yaml.Unmarshal(data, &d); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	schemas := map[string]schema{}
	for _, s := range d.Components.Schemas {
		schemas[s.key] = s.value
	}
	a.Frame = frame
	for next := []string{frame}; len(next) > 0; next = next[1:] {
		s, ok := schemas[next[0]]
		if !ok {
			return fmt.Errorf("%s has no schema %s", name, next[0])
		}
		a.addSchema(next[0], s, "")
		for _, p := range s.Properties {
			if p.value.Ref != "" {
				next = append(next, reference(p.value))
			}
		}
	}
	return nil
}

func (a *api) add(service string, d document) error {
	usages := map[string]string{}
	for _, path := range d.Paths {
		for _, r := range path.value {
			if _, ok := r.value.RequestBody.Content["application/json"]; !ok && len(r.value.RequestBody.Content) > 0 {
				continue // an upload, for which any HTTP client is good
			}
			o, err := newOperation(service, path.key, strings.ToUpper(r.key), r.value)
			if err != nil {
				return err
			}
			if o.Body != "" {
				usages[o.Body] = map[bool]string{false: "REQUEST", true: "PATCH"}[o.Verb == http.MethodPatch]
			}
			o.Page = pageMember(o, d)
			if o.Page != "" {
				o.Query = slices.DeleteFunc(o.Query, func(f field) bool { return f.Name == "page_token" })
			}
			a.Operations = append(a.Operations, o)
		}
	}
	addUsages(usages, d)
	for _, s := range d.Components.Schemas {
		if slices.Contains([]string{"Problem", "Violation", "ErrorCode"}, s.key) || strings.HasSuffix(s.key, "Problem") {
			continue // the SDKs have their own error types
		}
		a.addSchema(s.key, s.value, usages[s.key])
	}
	return nil
}

// addUsages gives the schemas in the members of bodies the usage of the body. The schemas of requests have no additional
// properties.
func addUsages(usages map[string]string, d document) {
	schemas := map[string]schema{}
	for _, s := range d.Components.Schemas {
		schemas[s.key] = s.value
	}
	for next := slices.Sorted(maps.Keys(usages)); len(next) > 0; next = next[1:] {
		for _, p := range schemas[next[0]].Properties {
			name := reference(p.value)
			if p.value.Items != nil {
				name = reference(*p.value.Items)
			}
			if s := schemas[name]; s.Additional != nil && !*s.Additional && usages[name] == "" {
				usages[name] = usages[next[0]]
				next = append(next, name)
			}
		}
	}
}

func (a *api) addSchema(name string, s schema, usage string) {
	if len(s.Enum) > 0 {
		if !slices.ContainsFunc(a.Enums, func(e enum) bool { return e.Name == name }) {
			a.Enums = append(a.Enums, enum{name, s.Description, s.Enum})
		}
		return
	}
	if slices.ContainsFunc(a.Types, func(o object) bool { return o.Name == name }) {
		return
	}
	o := object{Name: name, Description: s.Description, Usage: cmp.Or(usage, "ANSWER")}
	for _, p := range s.Properties {
		o.Fields = append(o.Fields, newField(p.key, p.value.Description, p.value, slices.Contains(s.Required, p.key)))
	}
	a.Types = append(a.Types, o)
}

func newOperation(service, path, verb string, r route) (operation, error) {
	o := operation{
		Name: r.OperationID, Service: service, Summary: r.Summary, Description: r.Description, Verb: verb, Path: path,
		Auth: auth(r), Repeat: "NO", PathParams: []field{}, Query: []field{}, Errors: append([]string{}, r.Errors...),
	}
	for _, p := range r.Parameters {
		f := newField(p.Name, p.Description, p.Schema, p.Required)
		switch {
		case p.In == "path":
			o.PathParams = append(o.PathParams, f)
		case p.In == "query":
			o.Query = append(o.Query, f)
		case p.Name == "Idempotency-Key":
			o.Repeat = "KEY"
		}
	}
	switch {
	case verb == http.MethodGet:
		o.Repeat = "SAFE"
	case o.Auth == "REFRESH":
		o.Repeat = "TOKEN"
	}
	if body, ok := r.RequestBody.Content["application/json"]; ok {
		o.Body = reference(body.Schema)
	}
	for status, response := range r.Responses {
		if code, err := strconv.Atoi(status); err == nil && code < http.StatusMultipleChoices && code > o.Status {
			o.Status, o.Answer = code, reference(response.Content["application/json"].Schema)
		}
	}
	if o.Name == "" || o.Status == 0 {
		return operation{}, fmt.Errorf("%s %s has no operationId or no success", verb, path)
	}
	return o, nil
}

// auth returns the token of an operation. Operations without a security requirement have that of the document.
func auth(r route) string {
	switch {
	case r.Security == nil:
		return "ACCESS"
	case len(*r.Security) == 0:
		return "NONE"
	default:
		return "REFRESH"
	}
}

// pageMember returns the member with the elements of a paged answer: its only array.
func pageMember(o operation, d document) string {
	if !slices.ContainsFunc(o.Query, func(f field) bool { return f.Name == "page_token" }) {
		return ""
	}
	for _, s := range d.Components.Schemas {
		if s.key != o.Answer {
			continue
		}
		for _, p := range s.value.Properties {
			if p.value.Type == "array" {
				return p.key
			}
		}
	}
	return ""
}

func reference(s schema) string {
	_, name, _ := strings.Cut(s.Ref, "#/components/schemas/")
	return name
}

// amountPattern is the pattern of the amounts in answers. Amounts in requests have a minimum.
const amountPattern = `^[0-9]+\.[0-9]{2}$`

func newField(name, description string, s schema, required bool) field {
	f := field{Name: name, Description: description, Required: required}
	if s.Type == "array" && s.Items != nil {
		f.List, s = true, *s.Items
	}
	switch {
	case s.Ref != "":
		f.Type = reference(s)
	case s.Type == "object":
		f.Type = "json"
	case s.Format == "date-time":
		f.Type = "timestamp"
	case s.Format == "date", s.Format == "uuid":
		f.Type = s.Format
	default:
		f.Type = s.Type
	}
	if s.Type == "string" && (s.Minimum != "" || s.Pattern == amountPattern) {
		f.Format = "amount"
	}
	return f
}
