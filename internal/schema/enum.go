package schema

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/reflect/protoreflect"

	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
)

// EnumType is an enum that is a string type in the domain.
type EnumType struct {
	Enum *protogen.Enum
	// Name is the Go type's name, "PromotionType".
	Name string
	// Package is the import path of the type's Go package.
	Package protogen.GoImportPath
	// Values are the values except the zero value.
	Values []*EnumValue
	// Rules are the names of the boolean members in the options of its values, "unique_per_period".
	Rules []string
}

// EnumValue is a value of an enum.
type EnumValue struct {
	// Name is the name in the schema and in JSON, "WELCOME_BONUS".
	Name string
	// Const is the name of the Go constant, "PromotionTypeWelcomeBonus".
	Const string
	Doc   protogen.Comments
	// Rules are the rules that are true for the value.
	Rules map[string]bool
}

// DomainPackage returns the import path of a service's domain package.
func DomainPackage(service string) protogen.GoImportPath {
	return protogen.GoImportPath(Module + "/services/" + service)
}

// RolePackage is the import path of the package with the callers' roles, which all services share.
const RolePackage protogen.GoImportPath = Module + "/internal/authn"

// NewEnum returns the domain type of e in a service. The role enum has the same type in all services.
func NewEnum(e *protogen.Enum, service string) *EnumType {
	t := &EnumType{Enum: e, Name: EnumName(e), Package: DomainPackage(service)}
	if isRole(e) {
		t.Package = RolePackage
	}
	seen := map[string]bool{}
	for _, v := range e.Values[1:] {
		value := &EnumValue{
			Name: string(v.Desc.Name()), Const: t.Name + GoName(string(v.Desc.Name())), Doc: v.Comments.Leading,
			Rules: map[string]bool{},
		}
		v.Desc.Options().ProtoReflect().Range(func(d protoreflect.FieldDescriptor, option protoreflect.Value) bool {
			if !d.IsExtension() || d.Kind() != protoreflect.MessageKind {
				return true
			}
			members := d.Message().Fields()
			for i := range members.Len() {
				member := members.Get(i)
				if member.Kind() != protoreflect.BoolKind {
					continue
				}
				name := string(member.Name())
				if !seen[name] {
					seen[name] = true
					t.Rules = append(t.Rules, name)
				}
				value.Rules[name] = option.Message().Get(member).Bool()
			}
			return true
		})
		t.Values = append(t.Values, value)
	}
	return t
}

// EnumName returns the name of an enum in Go and in the API documents. The enum State in the message Assignment is
// "AssignmentState".
func EnumName(e *protogen.Enum) string { return strings.ReplaceAll(e.GoIdent.GoName, "_", "") }

func isRole(e *protogen.Enum) bool {
	return e.Desc.FullName() == optionsv1.Role(0).Descriptor().FullName()
}

// DomainEnums returns the enums that have a type in the service's domain: the enums of its package, also those in messages,
// and the enums of its entities' fields. It leaves out the enums that event messages use.
func DomainEnums(files []*protogen.File, entities []*Entity, service string) []*EnumType {
	var enums []*EnumType
	seen := map[protoreflect.FullName]bool{}
	add := func(e *protogen.Enum) {
		if !seen[e.Desc.FullName()] {
			seen[e.Desc.FullName()] = true
			enums = append(enums, NewEnum(e, service))
		}
	}
	for _, f := range files {
		for _, m := range f.Messages {
			if option := extension[*optionsv1.Event](m.Desc, optionsv1.E_Event); option == nil {
				continue
			}
			for _, field := range m.Fields {
				if field.Enum != nil {
					seen[field.Enum.Desc.FullName()] = true
				}
			}
		}
	}
	for _, f := range files {
		if Service(f.Desc) == service {
			for _, e := range enumsIn(f) {
				add(e)
			}
		}
	}
	for _, e := range entities {
		for _, c := range withMembers(e.Columns) {
			if c.Kind == Enum {
				add(c.Field.Enum)
			}
		}
	}
	return enums
}

// enumsIn returns the enums of a file, also those in its messages.
func enumsIn(f *protogen.File) []*protogen.Enum {
	enums := slices.Clone(f.Enums)
	for _, m := range f.Messages {
		enums = append(enums, m.Enums...)
	}
	return enums
}

// Known returns the entities that have a domain type in the service: the service's own entities, and other services'
// entities that name the service in the option also_in. Only the service's own entities have private columns.
func Known(entities []*Entity, service string) []*Entity {
	var known []*Entity
	for _, e := range entities {
		switch {
		case e.Infrastructure:
		case e.Service == service:
			known = append(known, e)
		default:
			if slices.Contains(e.AlsoIn, service) {
				foreign := *e
				foreign.Columns = e.Public()
				known = append(known, &foreign)
			}
		}
	}
	return known
}

// Services returns the services that have domain types of entities, in the schema's order.
func Services(entities []*Entity) []string {
	var services []string
	for _, e := range entities {
		if e.Infrastructure {
			continue
		}
		for _, service := range append([]string{e.Service}, e.AlsoIn...) {
			if !slices.Contains(services, service) {
				services = append(services, service)
			}
		}
	}
	return services
}
