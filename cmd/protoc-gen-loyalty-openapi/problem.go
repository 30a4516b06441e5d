package main

import (
	"net/http"
	"strings"
)

// responseName is the name of the answer of a status among the components: "NotFound".
func responseName(status int) string { return strings.ReplaceAll(http.StatusText(status), " ", "") }

func (d *openAPI) components() object {
	var responses object
	for status := 400; status < 600; status++ {
		if d.statuses[status] {
			responses = append(responses, member{responseName(status), d.problemResponse(status)})
		}
	}
	responses = append(responses, member{"Error", response("Any other error.", object{{"$ref", ref("Problem")}})})
	return object{
		{"schemas", append(d.schemas.list, d.problem()...)},
		{"responses", responses},
		{"securitySchemes", object{
			{"accessToken", object{
				{"type", "http"}, {"scheme", "bearer"}, {"bearerFormat", "JWT"}, {"description", "The accessToken of a login."},
			}},
			{"refreshCookie", object{
				{"type", "apiKey"}, {"in", "cookie"}, {"name", "refresh_token"},
				{"description", "The refresh token as the cookie that login sets."},
			}},
			{"refreshToken", object{
				{"type", "http"}, {"scheme", "bearer"}, {"description", "The refresh token of a login with refreshTokenIn BODY."},
			}},
		}},
	}
}

// problemResponse is the answer of a status, which says which codes there are with it.
func (d *openAPI) problemResponse(status int) object {
	lines := []string{http.StatusText(status) + ":"}
	var names []string
	for _, c := range d.codes {
		if int(c.HTTP) == status {
			lines = append(lines, "- `"+c.Name+"`: "+c.Title+".")
			names = append(names, c.Name)
		}
	}
	narrowed := object{{"properties", object{
		{"status", object{{"const", status}}},
		{"code", object{}.with("enum", names).with("examples", names[:min(1, len(names))])}, // pages show the first
	}}}
	return response(strings.Join(lines, "\n"), object{{"allOf", []object{{{"$ref", ref("Problem")}}, narrowed}}})
}

func response(description string, schema object) object {
	return object{
		{"description", description},
		{"content", object{{"application/problem+json", object{{"schema", schema}}}}},
	}
}

// problem is the schema of an error.
func (d *openAPI) problem() object {
	var names []string
	for _, c := range d.codes {
		names = append(names, c.Name)
	}
	str := func(description string) object { return object{{"type", "string"}, {"description", description}} }
	return object{
		{"Problem", object{
			{"type", "object"},
			{"description", "An error, as RFC 9457 has it. Some codes have further members, such as transactionId."},
			{"properties", object{
				{"type", object{{"type", "string"}, {"format", "uri-reference"}}},
				{"title", str("What the code means.")},
				{"status", object{{"type", "integer"}}},
				{"detail", str("What happened this time.")},
				{"code", object{{"$ref", ref("ErrorCode")}}},
				{"instance", str("The path of the request.")},
				{"requestId", str("Finds the request in the logs.")},
				{"violations", object{{"type", "array"}, {"items", object{{"$ref", ref("Violation")}}}}},
			}},
			{"required", []string{"type", "title", "status", "detail", "code", "instance", "requestId"}},
		}},
		{"Violation", object{
			{"type", "object"},
			{"description", "A rule that the request broke."},
			{"properties", object{
				{"field", str("The member or parameter, as the client wrote it.")},
				{"rule", str("The rule's name.")},
				{"message", str("What is wrong.")},
			}},
			{"required", []string{"field", "rule", "message"}},
		}},
		{"ErrorCode", object{{"type", "string"}, {"enum", names}}},
	}
}
