package mongo

import (
	"time"

	"github.com/google/uuid"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/casino-loyalty/loyalty/services/notifications"
)

// document is a notification as it is stored. Ids are BSON UUIDs, instants have milliseconds.
type document struct {
	ID        bson.Binary    `bson:"_id"`
	UserID    bson.Binary    `bson:"user_id"`
	Seq       int64          `bson:"seq"`
	EventID   string         `bson:"event_id"`
	Type      string         `bson:"type"`
	Content   map[string]any `bson:"content"`
	Read      bool           `bson:"read"`
	CreatedAt time.Time      `bson:"createdAt"`
}

func toDocument(n notifications.Notification) document {
	return document{
		ID: binary(n.ID), UserID: binary(n.UserID), Seq: n.Seq, EventID: n.EventID,
		Type: n.Type, Content: n.Content, Read: n.Read, CreatedAt: n.CreatedAt,
	}
}

func (d document) notification() notifications.Notification {
	content, _ := plain(d.Content).(map[string]any)
	return notifications.Notification{
		ID: fromBinary(d.ID), Type: d.Type, Content: content, Read: d.Read,
		CreatedAt: d.CreatedAt.UTC(), UserID: fromBinary(d.UserID), Seq: d.Seq, EventID: d.EventID,
	}
}

func fromDocuments(ds []document) []notifications.Notification {
	list := make([]notifications.Notification, len(ds))
	for i, d := range ds {
		list[i] = d.notification()
	}
	return list
}

func binary(id uuid.UUID) bson.Binary {
	return bson.Binary{Subtype: bson.TypeBinaryUUID, Data: id[:]}
}

// fromBinary returns the zero UUID for what is none.
func fromBinary(b bson.Binary) uuid.UUID {
	id, err := uuid.FromBytes(b.Data)
	if err != nil {
		return uuid.Nil
	}
	return id
}

// plain turns what the driver decodes into what encoding/json would: map[string]any, []any, string, float64, bool, nil.
// Numbers may be integers where another program wrote the document.
func plain(value any) any {
	switch v := value.(type) {
	case map[string]any:
		return plainMap(v)
	case bson.M:
		return plainMap(v)
	case bson.A:
		list := make([]any, len(v))
		for i, element := range v {
			list[i] = plain(element)
		}
		return list
	case int32:
		return float64(v)
	case int64:
		return float64(v)
	}
	return value
}

func plainMap(m map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	for key, member := range m {
		out[key] = plain(member)
	}
	return out
}
