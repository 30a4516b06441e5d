// Command protoc-gen-loyalty-domain writes, from the entities of the schema, what a service's layers know of them:
//
//   - services/S: the plain Go types of the domain, the enums, and the limits of fields with the option domain_limits;
//   - services/S/internal/wire: their conversion from and to the messages of the API, in the directions in which these
//     travel: From… for what the service's answers, events and frames contain, To… for what its requests contain and for
//     what another service owns, Mask… for the resources of its updates;
//   - services/S/internal/postgres and mongo: their conversion from and to rows and documents, as far as the entity's option
//     rows says that the stores need them. SELECT takes the columns and a scan of them; INSERT the columns and their values;
//     ENT the setters of a row to be created, what a row becomes when it is read and, for the resource of an update, the
//     setters of all that can change; MONGO the document and both conversions.
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
		for _, e := range known {
			writeType(plugin, service, e)
			writeWire(plugin, service, e, uses)
			if e.Service == service {
				writePostgres(plugin, service, e, uses.Masked[e.Message.Desc.FullName()])
				writeMongo(plugin, service, e)
			}
		}
	}
	return nil
}
