package e2e_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// perPlayer is the number of sockets of a player of the fleet. A replica accepts 20 sockets of one player.
const perPlayer = 20

// manySockets opens n sockets, which spread over the three replicas of notifications, and kills one replica. All its sockets
// resume on the others, without gap or duplicate.
func manySockets(t *testing.T, s *stack, n int) {
	t.Helper()
	staff := newStaff(t, s.admin(t))
	begin := time.Now()
	players := make([]client, n/perPlayer)
	inParallel(t, len(players), 8, func(i int) { players[i] = newPlayer(t, s.url) })
	promotions := make([]string, 4)
	for i := range promotions {
		promotions[i] = newPromotion(staff, "BONUS", "1.00").text("id")
	}
	assign(staff, promotions[0], players...)
	inParallel(t, len(players), 8, func(i int) {
		eventually(t, "the first notification is stored", func() error { return times(players[i], promotions[0], 1) })
	})
	t.Logf("%d players registered in %s", len(players), since(begin))
	begin = time.Now()
	fleet := make([]*listener, n)
	inParallel(t, n, 64, func(i int) { fleet[i] = listen(players[i/perPlayer].in(t)) })
	spread := s.spread()
	t.Logf("%d sockets opened in %s: %v", n, since(begin), spread)
	received := func(want int) {
		t.Helper()
		eventually(t, fmt.Sprintf("all sockets have received %d notifications", want), func() error {
			for _, p := range fleet {
				if got := p.count(); got < want {
					return fmt.Errorf("a socket of %s has received %d", p.email, got)
				}
			}
			return nil
		})
	}
	assign(staff, promotions[1], players...)
	received(1)
	if spread["notifications-1"] < n/10 {
		t.Errorf("the sockets are not spread over the replicas: %v", spread)
	}
	killed := time.Now()
	s.kill("notifications-1")
	assign(staff, promotions[2], players...)
	received(2)
	resumed := time.Since(killed)
	s.launch("notifications-1")
	s.awaitReplica("notifications-1")
	assign(staff, promotions[3], players...)
	received(3)
	moved := 0
	for _, p := range fleet {
		p.mu.Lock()
		if len(p.closes) > 0 {
			moved++
		}
		p.mu.Unlock()
	}
	if moved < spread["notifications-1"]/2 {
		t.Errorf("%d sockets lost their connection, want about %d", moved, spread["notifications-1"])
	}
	for i := range players {
		stored := storedNotifications(players[i].in(t))
		for _, p := range fleet[i*perPlayer : (i+1)*perPlayer] {
			p.compare(t, stored[len(stored)-3:])
		}
	}
	t.Logf("notifications-1 killed: %d of %d sockets resumed; all had the next notification after %s; now %v", moved, n,
		resumed.Round(time.Millisecond), s.spread())
	s.verify(t)
}

// inParallel calls work for 0 to n-1. The parameter workers is the number of goroutines.
func inParallel(t *testing.T, n, workers int, work func(i int)) {
	t.Helper()
	next := make(chan int)
	var working sync.WaitGroup
	for range workers {
		working.Go(func() {
			defer func() {
				for range next { // work has failed the test
				}
			}()
			for i := range next {
				work(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	working.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

// spread returns the number of established connections to each replica of notifications. All of them are WebSockets, except
// for a few idle connections of Nginx.
func (s *stack) spread() map[string]int {
	s.t.Helper()
	file, err := os.Open("/proc/net/tcp")
	if err != nil {
		s.t.Fatal(err)
	}
	defer file.Close()
	local := map[string]string{}
	for n := range hosts() {
		name := replica("notifications", n)
		host, port, err := net.SplitHostPort(s.listen[name])
		number, failed := strconv.Atoi(port)
		if err != nil || failed != nil {
			s.t.Fatal(err, failed)
		}
		ip := slices.Clone(net.ParseIP(host).To4())
		slices.Reverse(ip)
		local[fmt.Sprintf("%X:%04X", []byte(ip), number)] = name
	}
	counts := map[string]int{}
	const established = "01"
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) > 3 && fields[3] == established {
			if name, ok := local[fields[1]]; ok {
				counts[name]++
			}
		}
	}
	return counts
}

// raiseFileLimit allows n open files in this process and the processes that it starts. Only root can exceed the hard limit.
func raiseFileLimit(t *testing.T, n uint64) {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if limit.Cur >= n {
		return
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: n, Max: max(n, limit.Max)}); err != nil {
		t.Fatalf("the test needs %d open files, the limit is %d: raise it with ulimit -n, or lower -sockets: %v", n, limit.Max, err)
	}
}
