package schema

import (
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/compiler/protogen"

	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
	"github.com/casino-loyalty/loyalty/internal/money"
)

// Limit is a limit of a field that becomes a constant of the domain.
type Limit struct {
	// Name is the constant's name, "RegisterPasswordMinLen" for the field password of RegisterRequest.
	Name string
	// Value is a number of characters. If Money is true, it is an amount in hundredths.
	Value int64
	Money bool
}

// Limits reads the limits of a service's fields that have the option domain_limits. It returns an error if such a field has
// no limit.
func Limits(files []*protogen.File, service string) ([]Limit, error) {
	var limits []Limit
	for _, f := range files {
		if Service(f.Desc) != service {
			continue
		}
		for _, m := range f.Messages {
			for _, field := range m.Fields {
				if !extension[bool](field.Desc, optionsv1.E_DomainLimits) {
					continue
				}
				of, err := limitsOf(strings.TrimSuffix(m.GoIdent.GoName, "Request")+GoName(string(field.Desc.Name())), field)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", field.Desc.FullName(), err)
				}
				limits = append(limits, of...)
			}
		}
	}
	return limits, nil
}

func limitsOf(name string, f *protogen.Field) ([]Limit, error) {
	var limits []Limit
	column := ColumnOf(f)
	for _, amount := range []struct{ suffix, text string }{{"Min", column.GetMin()}, {"Max", column.GetMax()}} {
		if amount.text == "" {
			continue
		}
		a, err := money.Parse(amount.text)
		if err != nil {
			return nil, err
		}
		limits = append(limits, Limit{Name: name + amount.suffix, Value: int64(a), Money: true})
	}
	least, greatest := Lengths(f)
	if least > 0 {
		limits = append(limits, Limit{Name: name + "MinLen", Value: int64(least)})
	}
	if greatest > 0 {
		limits = append(limits, Limit{Name: name + "MaxLen", Value: int64(greatest)})
	}
	if len(limits) == 0 {
		return nil, errors.New("domain_limits needs a limit: min_len or max_len of buf.validate, or min or max of the column")
	}
	return limits, nil
}
