package app

import (
	"context"
	"fmt"
	"strings"

	"github.com/casino-loyalty/loyalty/internal/check"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/mongo"
)

// CheckMongo returns a check of the MongoDB store, for operators.
func CheckMongo(url, database string) check.Check {
	return check.Check{Subject: "MongoDB", Run: func(ctx context.Context, r *check.Report) {
		state, err := mongo.Inspect(ctx, url, mongo.Options{Database: database, AppName: "check"})
		if err != nil {
			r.FailedTo("connect", err, "check the URL, the user and the password, and that the servers run")
			return
		}
		r.OKf("connected; the server is MongoDB %s", state.Version)
		r.Clock(state.Time, state.Before, state.After)
		checkMembers(state, r)
		if len(state.MissingIndexes) > 0 {
			r.Warn("indexes do not exist: "+strings.Join(state.MissingIndexes, ", "), "start notifications, which creates them")
		} else {
			r.OKf("all indexes exist")
		}
	}}
}

// safeMembers is the smallest number of members with which a replica set survives the loss of one member.
const safeMembers = 3

// checkMembers reports whether notifications survive the loss of a server.
func checkMembers(state mongo.State, r *check.Report) {
	switch {
	case state.ReplicaSet == "":
		r.Warn("the server is not a member of a replica set: its loss stops the service and can lose notifications",
			"use a replica set with three members")
	case len(state.Unhealthy) > 0:
		r.Warn("members of the replica set are down or not in sync: "+strings.Join(state.Unhealthy, ", "),
			"look into the logs of the members")
	case state.Members < safeMembers:
		r.Warn(fmt.Sprintf("the replica set has %d members: the loss of one can stop the service", state.Members),
			"use three members")
	default:
		r.OKf("the replica set %s has %d members", state.ReplicaSet, state.Members)
	}
}
