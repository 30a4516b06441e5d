package live

import (
	"reflect"
	"testing"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/services/notifications/internal/frame"
)

func FuzzDecode(f *testing.F) {
	player := uuid.MustParse("0195f3a0-0000-7000-8000-000000000001")
	for _, m := range []Message{{Player: player, Seq: 7}, {Player: player, Seq: 7, Frame: frame.Reset("unknown")}} {
		payload, err := m.encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(channelOf(player), payload)
	}
	f.Add(channelPrefix, "short")
	f.Add("elsewhere", "\x00\x00\x00\x00\x00\x00\x00\x07")
	f.Add(channelOf(player), "\xff\xff\xff\xff\xff\xff\xff\xff{}")
	f.Fuzz(func(t *testing.T, channel, payload string) {
		m, ok := decode(channel, payload)
		if !ok {
			return
		}
		again, err := m.encode()
		if err != nil {
			t.Fatalf("%q on %q: %v", payload, channel, err)
		}
		if got, ok := decode(channelOf(m.Player), again); !ok || !reflect.DeepEqual(got, m) {
			t.Errorf("%q on %q is decoded as %+v, which is encoded and decoded as %+v", payload, channel, m, got)
		}
	})
}
