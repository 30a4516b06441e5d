package kafkacluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Permit creates users of a secured cluster, by their names and passwords, and the ACLs of a script that calls
// kafka-acls.sh. It returns when they are in force.
func (c *Cluster) Permit(t testing.TB, script string, passwords map[string]string) {
	t.Helper()
	var users []kadm.UpsertSCRAM
	for user, password := range passwords {
		users = append(users, kadm.UpsertSCRAM{User: user, Mechanism: kadm.ScramSha512, Iterations: 4096, Password: password})
		c.passwords[user] = password
	}
	acls := scriptACLs(t, script)
	var last kadm.CreateACLsResult
	c.retry(t, Admin, func(ctx context.Context, admin *kadm.Client) error {
		altered, err := admin.AlterUserSCRAMs(ctx, nil, users)
		if err = errors.Join(err, altered.Error()); err != nil {
			return err
		}
		for _, acl := range acls {
			if last, err = createACLs(ctx, admin, acl); err != nil {
				return err
			}
		}
		return nil
	})
	c.awaitACL(t, last)
}

// awaitACL waits until all brokers have an ACL. Brokers apply changes in order, so they then have all earlier changes.
func (c *Cluster) awaitACL(t testing.TB, acl kadm.CreateACLsResult) {
	t.Helper()
	request := kmsg.NewPtrDescribeACLsRequest()
	request.ResourceType, request.ResourceName, request.ResourcePatternType = acl.Type, &acl.Name, acl.Pattern
	request.Principal, request.Host = &acl.Principal, &acl.Host
	request.Operation, request.PermissionType = acl.Operation, acl.Permission
	for id := range size {
		c.retryClient(t, Admin, func(ctx context.Context, client *kgo.Client) error {
			if _, err := kadm.NewClient(client).BrokerMetadata(ctx); err != nil { // for the addresses of all brokers
				return err
			}
			response, err := request.RequestWith(ctx, client.Broker(id))
			if err == nil && len(response.Resources) == 0 {
				err = errors.Join(fmt.Errorf("broker %d does not have the ACL yet", id), kerr.ErrorForCode(response.ErrorCode))
			}
			return err
		})
	}
}

// PermitCreate allows users of Permit to create topics until the returned function is called. It returns when the users may
// create topics.
func (c *Cluster) PermitCreate(t testing.TB, users ...string) (end func()) {
	t.Helper()
	var principals []string
	for _, user := range users {
		principals = append(principals, "User:"+user)
	}
	acl := newACL(principals, kadm.OpCreate).Clusters()
	c.retry(t, Admin, func(ctx context.Context, admin *kadm.Client) error {
		_, err := createACLs(ctx, admin, acl)
		return err
	})
	for _, user := range users { // the active controller decides; brokers do not know which ACLs it has applied
		c.retry(t, user, func(ctx context.Context, admin *kadm.Client) error {
			validated, err := admin.ValidateCreateTopics(ctx, 1, 1, nil, "new")
			return errors.Join(err, validated.Error())
		})
	}
	return func() {
		t.Helper()
		c.retry(t, Admin, func(ctx context.Context, admin *kadm.Client) error {
			results, err := admin.DeleteACLs(ctx, acl)
			for _, r := range results {
				err = errors.Join(err, r.Err)
			}
			return err
		})
	}
}

func newACL(principals []string, operations ...kadm.ACLOperation) *kadm.ACLBuilder {
	return kadm.NewACLs().Allow(principals...).AllowHosts("*").Operations(operations...).
		ResourcePatternType(kadm.ACLPatternLiteral)
}

// createACLs creates ACLs and returns the last one.
func createACLs(ctx context.Context, admin *kadm.Client, acl *kadm.ACLBuilder) (last kadm.CreateACLsResult, err error) {
	created, err := admin.CreateACLs(ctx, acl)
	for _, c := range created {
		err = errors.Join(err, c.Err)
		last = c
	}
	if err == nil && len(created) == 0 {
		err = errors.New("no ACL was created")
	}
	return last, err
}

// scriptACLs runs a script with a kafka-acls.sh that records its arguments, and returns the ACLs.
func scriptACLs(t testing.TB, script string) []*kadm.ACLBuilder {
	t.Helper()
	dir := t.TempDir()
	calls := filepath.Join(dir, "calls")
	fake := "#!/bin/sh\necho \"$*\" >>" + calls + "\n"
	if err := os.WriteFile(filepath.Join(dir, "kafka-acls.sh"), []byte(fake), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", `export PATH="$0:$PATH"; exec sh "$@"`, dir,
		script, "--bootstrap-server", "b:1", "--command-config", "c")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", script, err, out)
	}
	text, err := os.ReadFile(calls)
	if err != nil {
		t.Fatal(err)
	}
	var acls []*kadm.ACLBuilder
	for line := range strings.Lines(string(text)) {
		acl, err := parseACL(strings.Fields(line))
		if err != nil {
			t.Fatalf("%s: %s: %v", script, line, err)
		}
		acls = append(acls, acl)
	}
	return acls
}

// parseACL parses the options of kafka-acls.sh.
func parseACL(args []string) (*kadm.ACLBuilder, error) {
	options := map[string][]string{}
	for i := 0; i < len(args); i++ {
		name := args[i]
		if name == "--add" || name == "--cluster" {
			options[name] = []string{""}
			continue
		}
		if i++; i == len(args) {
			return nil, fmt.Errorf("%s has no value", name)
		}
		options[name] = append(options[name], args[i])
	}
	var operations []kadm.ACLOperation
	for _, name := range options["--operation"] {
		operation, err := kmsg.ParseACLOperation(name)
		if err != nil {
			return nil, err
		}
		operations = append(operations, operation)
	}
	acl := newACL(options["--allow-principal"], operations...).
		MaybeTopics(options["--topic"]...).MaybeGroups(options["--group"]...)
	if options["--cluster"] != nil {
		acl.Clusters()
	}
	return acl, nil
}
