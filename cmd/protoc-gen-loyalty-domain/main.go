// Command protoc-gen-loyalty-domain writes, from the entities of the schema, what a service's layers know of them:
//
//   - services/S: the plain Go types of the domain, and the enums;
//   - services/S/internal/wire: their conversion from and to the messages of the API, in the directions in which these
//     travel: From… for what the service's answers, events and frames contain, To… for what its requests contain and for
//     what another service owns, Mask… for the resources of its updates;
//   - services/S/internal/postgres: their conversion from and to rows, through ent and through pgx;
//   - services/S/internal/mongo: their conversion from and to documents, where the schema's rows say MONGO.
package main

import (
	"slices"

	"google.golang.org/protobuf/compiler/protogen"

	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
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
				writePostgres(plugin, service, e)
				if slices.Contains(e.Rows, optionsv1.Rows_MONGO) {
					writeMongo(plugin, service, e)
				}
			}
		}
	}
	return nil
}
