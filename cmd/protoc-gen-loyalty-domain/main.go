// Command protoc-gen-loyalty-domain writes Go code for the entities of the schema, in each layer of service S:
//
//   - services/S: the domain types of entities and embedded messages, the enums, and the limits of fields with the option
//     domain_limits.
//   - services/S/internal/wire: conversions between domain types and messages. From… converts types in responses, events and
//     frames. To… converts types in requests and entities of other services. Mask… applies update masks.
//   - services/S/internal/postgres and mongo: conversions between domain types and rows or documents. The option rows of the
//     entity selects them. SELECT writes the column list and a scan function. INSERT writes the column list and the values.
//     ENT writes the setters for create and update, and the conversion of a row. MONGO writes the document type and its
//     conversions.
package main

import (
	"google.golang.org/protobuf/compiler/protogen"

	"github.com/casino-loyalty/loyalty/internal/schema"
)

const generator = "protoc-gen-loyalty-domain"

func main() { schema.Run(generate) }

func generate(plugin *protogen.Plugin) error {
	entities, err := schema.Entities(plugin.Files)
	if err != nil {
		return err
	}
	roles := false
	for _, service := range schema.Services(entities) {
		known := schema.Known(entities, service)
		uses, err := schema.UsesOf(plugin.Files, known, service)
		if err != nil {
			return err
		}
		limits, err := schema.Limits(plugin.Files, service)
		if err != nil {
			return err
		}
		writeLimits(plugin, service, limits)
		writeWireDoc(plugin, service)
		for _, t := range schema.DomainEnums(plugin.Files, known, service) {
			if t.Package != schema.RolePackage || !roles {
				writeEnum(plugin, t)
			}
			roles = roles || t.Package == schema.RolePackage
			writeWireEnum(plugin, service, t, uses)
		}
		for _, c := range schema.EmbeddedMessages(known) {
			writeEmbedded(plugin, service, c)
			writeWireEmbedded(plugin, service, c, uses)
		}
		for _, e := range known {
			writeType(plugin, service, e)
			writeWire(plugin, service, e, uses)
			if e.Service == service {
				writePostgres(plugin, service, e, uses.Updated[e.Message.Desc.FullName()])
				writeMongo(plugin, service, e)
			}
		}
	}
	return nil
}
