package pgbouncertest

import (
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// dropRoot makes PgBouncer run as another user if the test runs as root, because PgBouncer refuses to run as root.
func dropRoot(cmd *exec.Cmd) {
	if os.Geteuid() != 0 {
		return
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
		if uidErr == nil && gidErr == nil {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
			return
		}
	}
}
