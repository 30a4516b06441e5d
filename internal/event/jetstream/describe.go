package jetstream

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/casino-loyalty/loyalty/internal/event"
)

// Describe returns the version of the server that the client is connected to, and the state of topics. A stream acknowledges
// an event when a majority of its replicas has stored it.
func (b *Bus) Describe(ctx context.Context, topics ...string) (event.Description, error) {
	if err := b.connected(ctx); err != nil {
		return event.Description{}, err
	}
	d := event.Description{Version: b.conn.ConnectedServerVersion()}
	for _, name := range topics {
		state := event.TopicState{Name: name}
		stream, err := b.js.Stream(ctx, streamOf(name)) // the answer contains the current state
		switch {
		case errors.Is(err, jetstream.ErrStreamNotFound):
		case err != nil:
			return event.Description{}, b.failure("describe the stream of "+name, err)
		default:
			state = stateOf(name, stream.CachedInfo())
		}
		d.Topics = append(d.Topics, state)
	}
	return d, nil
}

func stateOf(name string, info *jetstream.StreamInfo) event.TopicState {
	n := info.Config.Replicas
	s := event.TopicState{Name: name, Exists: true, Replicas: n, InSync: 1, MinInSync: n/2 + 1}
	if info.Cluster == nil {
		return s
	}
	if info.Cluster.Leader == "" {
		s.InSync = 0
	}
	for _, peer := range info.Cluster.Replicas { // all replicas but the leader
		if peer.Current && !peer.Offline {
			s.InSync++
		}
	}
	return s
}
