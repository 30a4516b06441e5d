package loyalty

import "encoding/json"

// Promotion returns the promotion of a notification of type "promotion", as it was at the time of the notification.
func (n Notification) Promotion() (*Promotion, error) {
	encoded, err := json.Marshal(n.Content)
	if err != nil {
		return nil, err
	}
	var p Promotion
	if err := json.Unmarshal(encoded, &p); err != nil {
		return nil, err
	}
	return &p, nil
}

// Ptr returns a pointer to a value, for optional members such as PromotionPatch.Title.
func Ptr[T any](value T) *T { return &value }
