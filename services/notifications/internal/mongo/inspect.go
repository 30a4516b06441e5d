package mongo

import (
	"context"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// State is the state of the server, for operators.
type State struct {
	// Version is the version of the server.
	Version string
	// ReplicaSet is the name of the replica set. It is empty if the server is not a member of one.
	ReplicaSet string
	// Members is the number of members that hold data. Unhealthy are the names of the members that are down or not in sync.
	// Unhealthy is empty if the user is not allowed to read the status of the replica set.
	Members   int
	Unhealthy []string
	// Time is the time of the server. Before and After are the times of this machine before and after the request.
	Time, Before, After time.Time
	// MissingIndexes are the names of the indexes that do not exist yet.
	MissingIndexes []string
}

// Inspect connects to a server and returns its state. It changes nothing. Errors do not contain the URL.
func Inspect(ctx context.Context, url string, o Options) (_ State, err error) {
	s, err := connect(url, o)
	if err != nil {
		return State{}, err
	}
	defer func() { _ = s.client.Disconnect(context.WithoutCancel(ctx)) }() // only read from
	var hello struct {
		SetName   string    `bson:"setName"`
		Hosts     []string  `bson:"hosts"`
		LocalTime time.Time `bson:"localTime"`
	}
	var state State
	state.Before = time.Now()
	if err := s.admin(ctx, "hello", &hello); err != nil {
		return State{}, err
	}
	state.After = time.Now()
	state.ReplicaSet, state.Members, state.Time = hello.SetName, len(hello.Hosts), hello.LocalTime
	var build struct {
		Version string `bson:"version"`
	}
	if err := s.admin(ctx, "buildInfo", &build); err != nil {
		return State{}, err
	}
	state.Version = build.Version
	if state.ReplicaSet != "" {
		state.Unhealthy = s.unhealthy(ctx)
	}
	state.MissingIndexes, err = s.missingIndexes(ctx)
	return state, err
}

// admin runs a command on the database admin.
func (s *Store) admin(ctx context.Context, command string, result any) error {
	err := s.client.Database("admin").RunCommand(ctx, bson.D{{Key: command, Value: 1}}).Decode(result)
	if err != nil {
		return fmt.Errorf("mongodb: %s: %w", command, err)
	}
	return nil
}

// unhealthy returns the members of the replica set that are down or not in sync, or nothing if the user is not allowed to
// read the status.
func (s *Store) unhealthy(ctx context.Context) []string {
	const primary, secondary, arbiter = 1, 2, 7
	var status struct {
		Members []struct {
			Name  string `bson:"name"`
			State int    `bson:"state"`
		} `bson:"members"`
	}
	if s.admin(ctx, "replSetGetStatus", &status) != nil {
		return nil
	}
	var names []string
	for _, m := range status.Members {
		if m.State != primary && m.State != secondary && m.State != arbiter {
			names = append(names, m.Name)
		}
	}
	return names
}

func (s *Store) missingIndexes(ctx context.Context) ([]string, error) {
	specifications, err := s.list.Indexes().ListSpecifications(ctx)
	if err != nil {
		return nil, fmt.Errorf("mongodb: list the indexes: %w", err)
	}
	exists := map[string]bool{}
	for _, i := range specifications {
		exists[i.Name] = true
	}
	var missing []string
	for _, i := range indexes() {
		if !exists[i.name] {
			missing = append(missing, i.name)
		}
	}
	return missing, nil
}
