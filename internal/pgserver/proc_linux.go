package pgserver

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// account is the user that the server runs as; nil means the user of this process.
type account struct {
	name     string
	uid, gid int
}

// serverAccount returns an unprivileged account if this process runs as root, because PostgreSQL refuses to run as root.
// Otherwise it returns nil.
func serverAccount() (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // the account of this process
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("account %s: %w", name, err)
		}
		return &account{name: name, uid: uid, gid: gid}, nil
	}
	return nil, errors.New("PostgreSQL refuses to run as root, and the users postgres and nobody do not exist")
}

// attach makes cmd run as the account a. The kernel sends sig to the process when the thread that started it ends.
// The process gets its own process group, so that an interrupt at the terminal reaches only this program. This program then
// stops the server.
func attach(cmd *exec.Cmd, a *account, sig syscall.Signal) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: sig}
	if a != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
}

// checkReachable returns an error if the account cannot enter a parent directory of dir.
func checkReachable(dir string, a *account) error {
	if a == nil {
		return nil
	}
	for p := filepath.Dir(dir); ; p = filepath.Dir(p) {
		info, err := os.Stat(p)
		if err != nil {
			return err
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		if ok && !mayEnter(info.Mode().Perm(), int(st.Uid), int(st.Gid), a) {
			return fmt.Errorf("PostgreSQL runs as the user %s, which cannot enter %s (mode %04o): choose another data "+
				"directory", a.name, p, info.Mode().Perm())
		}
		if p == filepath.Dir(p) {
			return nil
		}
	}
}

// mayEnter applies the rule of path_resolution(7): the first matching class decides.
func mayEnter(mode os.FileMode, uid, gid int, a *account) bool {
	switch {
	case uid == a.uid:
		return mode&0o100 != 0
	case gid == a.gid:
		return mode&0o010 != 0
	default:
		return mode&0o001 != 0
	}
}

// chown makes the account the owner of path.
func chown(path string, a *account) error {
	if a == nil {
		return nil
	}
	return os.Chown(path, a.uid, a.gid)
}

// runsIn reports whether the process is alive and dir is its working directory. The working directory of a postmaster is its
// data directory.
func runsIn(pid int, dir string) bool {
	cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	if err != nil {
		return false
	}
	want, err := filepath.EvalSymlinks(dir)
	return err == nil && strings.TrimSuffix(cwd, " (deleted)") == want
}
