package columns_test

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/convert/columns"
)

func ExamplePlaceholders() {
	const list = "id, title, created_at"
	fmt.Println("INSERT INTO promotions (" + list + ") VALUES (" + columns.Placeholders(list, 1) + ")")
	// Output: INSERT INTO promotions (id, title, created_at) VALUES ($1, $2, $3)
}

func ExampleWithout() {
	names, args := columns.Without("id, seq, title", []any{7, 0, "Welcome"}, "seq")
	fmt.Println(names, args)
	// Output: id, title [7 Welcome]
}

func ExampleNilIfZero() {
	fmt.Println(columns.NilIfZero(uuid.Nil) == nil, *columns.NilIfZero("a"))
	// Output: true a
}
