package documents_test

import (
	"fmt"

	"github.com/google/uuid"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/casino-loyalty/loyalty/internal/convert/documents"
	"github.com/casino-loyalty/loyalty/internal/money"
)

func Example() {
	type account struct {
		ID      documents.UUID  `bson:"_id"`
		Balance documents.Money `bson:"balance"`
	}
	id := uuid.MustParse("01900000-0000-7000-8000-000000000001")
	data, err := bson.Marshal(account{ID: documents.UUID(id), Balance: 2050})
	if err != nil {
		fmt.Println(err)
		return
	}
	var read account
	if err := bson.Unmarshal(data, &read); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(uuid.UUID(read.ID), money.Amount(read.Balance))
	// Output: 01900000-0000-7000-8000-000000000001 20.50
}
