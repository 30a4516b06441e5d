package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"
)

// requestRows returns the rows about requests that do not claim.
func requestRows() []Row {
	list := requests{
		name: "list of 10 assignments, 32 callers", goal: 0.6, cpuGoal: 1.7,
		prepare: func(ctx context.Context, s *site) error {
			return s.offer(ctx, s.readers, listedPromotion, listedPromotions)
		},
		call: func(ctx context.Context, s *site, caller, _ int) ([]byte, error) {
			p := s.readers[caller]
			return s.get(ctx, fmt.Sprintf("/api/v1/promotions/players/%s?page_size=%d", p.id, listedPromotions), p.token)
		},
	}
	me := requests{
		name: "GET /users/me, 32 callers", goal: 0.5, cpuGoal: 2,
		prepare: func(context.Context, *site) error { return nil },
		call: func(ctx context.Context, s *site, caller, _ int) ([]byte, error) {
			return s.get(ctx, "/api/v1/users/me", s.readers[caller].token)
		},
	}
	refresh := requests{
		name: "refresh, 32 callers", goal: 0.6, cpuGoal: 1.7, prepare: func(ctx context.Context, s *site) error {
			return s.startSessions(ctx)
		},
		call: func(ctx context.Context, s *site, caller, _ int) ([]byte, error) { return s.rotate(ctx, caller) },
	}
	var rows []Row
	for _, r := range []requests{list, me, refresh} {
		r.unit, r.callers = "requests/s", readerCount
		rows = append(rows, r.row())
	}
	return rows
}

// The list has listedPromotions assignments. The ids of their promotions end with the numbers from listedPromotion.
const (
	listedPromotion  = claimPromotions
	listedPromotions = 10
)

// rotate exchanges the refresh token of a reader for the next one.
func (s *site) rotate(ctx context.Context, reader int) ([]byte, error) {
	answer, err := s.request(ctx, http.StatusOK, http.MethodPost, "/api/v1/auth/refresh", "",
		map[string]any{"refreshToken": s.refresh[reader]})
	if err != nil {
		return nil, err
	}
	var next struct {
		RefreshToken string `json:"refreshToken"`
	}
	err = json.Unmarshal(answer, &next)
	s.refresh[reader] = next.RefreshToken
	return answer, err
}

// requests describes a row about requests. Both sides answer the same requests.
type requests struct {
	name, unit string
	callers    int
	goal       float64 // for the rate
	cpuGoal    float64 // for the CPU time per request; zero means that there is no goal
	prepare    func(ctx context.Context, s *site) error
	call       func(ctx context.Context, s *site, caller, n int) (answer []byte, err error)
}

// row returns a row with the rate of the requests, and with the CPU time of users and promotions together per request.
func (r requests) row() Row {
	return Row{
		Name: r.name, Limit: "the bare server: the same SQL and JSON; no tokens, validation, events and logs",
		Metrics: []Metric{
			{Unit: r.unit, Goal: r.goal},
			{Name: "CPU time of each", Unit: "µs", Goal: r.cpuGoal, AtMost: true},
		},
		Open: func(ctx context.Context, env *Env) (*Pair, error) {
			ours, bare, err := env.sites(ctx)
			if err != nil {
				return nil, err
			}
			for _, s := range []*site{ours, bare} {
				if err := r.prepare(ctx, s); err != nil {
					return nil, err
				}
			}
			if err := r.compare(ctx, ours, bare); err != nil {
				return nil, err
			}
			return &Pair{Ours: r.measure(ours), Limit: r.measure(bare)}, nil
		},
	}
}

// compare returns an error unless both sides give the same answer, apart from values such as ids and times.
func (r requests) compare(ctx context.Context, ours, bare *site) error {
	answer, err := r.call(ctx, ours, 0, 0)
	if err != nil {
		return err
	}
	limit, err := r.call(ctx, bare, 0, 0)
	if err != nil {
		return err
	}
	if err := sameForm(answer, limit); err != nil {
		return fmt.Errorf("the platform and the bare server answer differently: %w:\n%s\n%s", err, answer, limit)
	}
	return nil
}

// measure returns the rate, and the CPU time per request in microseconds. The CPU time includes work after the last answer.
func (r requests) measure(s *site) Measure {
	return func(ctx context.Context, d time.Duration) ([]float64, error) {
		before, err := s.cpu(ctx)
		if err != nil {
			return nil, err
		}
		var calls atomic.Int64
		rate, err := load(ctx, r.callers, d, func(ctx context.Context, caller, n int) error {
			calls.Add(1)
			_, err := r.call(ctx, s, caller, n)
			return err
		})
		if err != nil {
			return nil, err
		}
		after, err := s.cpu(ctx)
		return []float64{rate, float64((after - before).Microseconds()) / float64(calls.Load())}, err
	}
}

// cpu waits until users and promotions have no work left, and returns the CPU time that they have used.
func (s *site) cpu(ctx context.Context) (sum time.Duration, err error) {
	if err := settled(ctx, s.users, s.promotions); err != nil {
		return 0, err
	}
	for _, p := range []*process{s.users, s.promotions} {
		used, err := p.cpu()
		if err != nil {
			return 0, err
		}
		sum += used
	}
	return sum, nil
}

// sameForm returns an error unless two JSON texts have the same form: equal members of objects, equal numbers of elements,
// and values of equal types.
func sameForm(a, b []byte) error {
	var x, y any
	if err := errors.Join(json.Unmarshal(a, &x), json.Unmarshal(b, &y)); err != nil {
		return err
	}
	return compareForm("", x, y)
}

func compareForm(path string, x, y any) error {
	switch x := x.(type) {
	case map[string]any:
		y, _ := y.(map[string]any)
		for name := range x {
			if _, ok := y[name]; !ok {
				return fmt.Errorf("the second one has no member %s.%s", path, name)
			}
		}
		for name := range y {
			if _, ok := x[name]; !ok {
				return fmt.Errorf("the first one has no member %s.%s", path, name)
			}
			if err := compareForm(path+"."+name, x[name], y[name]); err != nil {
				return err
			}
		}
	case []any:
		y, _ := y.([]any)
		if len(x) != len(y) {
			return fmt.Errorf("%s has %d and %d elements", path, len(x), len(y))
		}
		for i := range x {
			if err := compareForm(fmt.Sprintf("%s[%d]", path, i), x[i], y[i]); err != nil {
				return err
			}
		}
	default:
		if fmt.Sprintf("%T", x) != fmt.Sprintf("%T", y) {
			return fmt.Errorf("%s is %T and %T", path, x, y)
		}
	}
	return nil
}
