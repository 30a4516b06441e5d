package e2e_test

import (
	"fmt"
	"time"
)

// killings returns the faults under load: each process is killed with SIGKILL, each replica is restarted, one is frozen.
func killings(s *stack) []fault {
	var faults []fault
	for _, service := range services {
		for n := range hosts() {
			faults = append(faults, replicaKilled(s, replica(service, n), n == 0))
		}
	}
	return append(faults,
		fault{name: "PostgreSQL killed", short: true, inject: func(l *load) (time.Time, time.Time) {
			begin := time.Now()
			s.killPostgres()
			l.awaitFailures()
			s.restartPostgres()
			return begin, time.Now()
		}},
		fault{name: "Redis master killed, replica promoted", short: true, losesSessions: true, inject: func(l *load) (time.Time, time.Time) {
			return masterKilled(s, l)
		}},
		fault{name: "Nginx killed", short: true, inject: func(l *load) (time.Time, time.Time) {
			begin := time.Now()
			s.nginx.Kill()
			l.awaitFailures()
			s.nginx.Restart(s.t)
			return begin, time.Now()
		}},
		fault{name: "users replica frozen", inject: func(l *load) (time.Time, time.Time) {
			p := s.processes["users-2"]
			begin := time.Now()
			p.Freeze(s.t)
			l.progress(1)
			p.Thaw(s.t)
			return begin, time.Now()
		}},
		rollingRestart(s),
		brokerKilled(s))
}

// brokerKilled kills the broker that leads a partition of the notifications. The fault ends when the other brokers have
// delivered events. The full form also restarts the broker, which takes long: it checks its logs first.
func brokerKilled(s *stack) fault {
	return fault{name: "Kafka broker killed, leader of notifications", short: true, inject: func(l *load) (time.Time, time.Time) {
		leader := s.kafka.Leader(s.t, "notifications", 0)
		begin := time.Now()
		s.kafka.Kill(leader)
		l.delivered()
		end := time.Now()
		if *full {
			s.kafka.Restart(s.t, leader)
		}
		return begin, end
	}}
}

// replicaKilled kills a replica. The other two serve all callers meanwhile.
func replicaKilled(s *stack, name string, short bool) fault {
	return fault{name: name + " killed", short: short, inject: func(l *load) (time.Time, time.Time) {
		begin := time.Now()
		s.kill(name)
		l.progress(1)
		s.launch(name)
		s.awaitReplica(name)
		return begin, time.Now()
	}}
}

// masterKilled kills the Redis master. It ends when the sentinels have promoted the replica. The killed server becomes the
// new replica before the next fault.
func masterKilled(s *stack, l *load) (begin, end time.Time) {
	old, other := s.master()
	begin = time.Now()
	old.Kill()
	eventually(s.t, "the sentinels have promoted the replica", func() error {
		if master, _ := s.master(); master != other {
			return fmt.Errorf("%s is still the master", master.Address)
		}
		return nil
	})
	end = time.Now()
	l.progress(1)
	s.rejoin(old, other)
	return begin, end
}

// rollingRestart stops each replica with SIGTERM and starts it again, one after the other. In the short form it restarts one
// replica of each service.
func rollingRestart(s *stack) fault {
	return fault{name: "rolling restart", short: true, graceful: true, closesSockets: true, inject: func(l *load) (time.Time, time.Time) {
		begin := time.Now()
		for _, service := range services {
			for n := range hosts() {
				if n > 0 && !*full {
					continue
				}
				name := replica(service, n)
				s.stop(name)
				s.launch(name)
				s.awaitReplica(name)
				l.progress(1)
			}
		}
		return begin, time.Now()
	}}
}
