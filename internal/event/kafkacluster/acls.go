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
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Permit creates users of a secured cluster, by their names and passwords, and the ACLs of a script that calls
// kafka-acls.sh.
func (c *Cluster) Permit(t testing.TB, script string, passwords map[string]string) {
	t.Helper()
	var users []kadm.UpsertSCRAM
	for user, password := range passwords {
		users = append(users, kadm.UpsertSCRAM{User: user, Mechanism: kadm.ScramSha512, Iterations: 4096, Password: password})
	}
	acls := scriptACLs(t, script)
	c.retry(t, func(ctx context.Context, admin *kadm.Client) error {
		altered, err := admin.AlterUserSCRAMs(ctx, nil, users)
		if err = errors.Join(err, altered.Error()); err != nil {
			return err
		}
		for _, acl := range acls {
			if err := createACLs(ctx, admin, acl); err != nil {
				return err
			}
		}
		return nil
	})
}

// PermitCreate allows users to create topics until the returned function is called.
func (c *Cluster) PermitCreate(t testing.TB, users ...string) (end func()) {
	t.Helper()
	var principals []string
	for _, user := range users {
		principals = append(principals, "User:"+user)
	}
	acl := newACL(principals, kadm.OpCreate).Clusters()
	c.retry(t, func(ctx context.Context, admin *kadm.Client) error { return createACLs(ctx, admin, acl) })
	return func() {
		t.Helper()
		c.retry(t, func(ctx context.Context, admin *kadm.Client) error {
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

func createACLs(ctx context.Context, admin *kadm.Client, acl *kadm.ACLBuilder) error {
	created, err := admin.CreateACLs(ctx, acl)
	for _, c := range created {
		err = errors.Join(err, c.Err)
	}
	if err == nil && len(created) == 0 {
		err = errors.New("no ACL was created")
	}
	return err
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
	cmd := exec.CommandContext(t.Context(), "sh", script, "--bootstrap-server", "b:1", "--command-config", "c")
	cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
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
