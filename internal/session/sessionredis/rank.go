package sessionredis

import (
	"cmp"
	"context"
	"slices"

	"github.com/redis/rueidis"

	"github.com/casino-loyalty/loyalty/internal/redis"
)

// maxRanked is the number of well-formed tokens that Rank looks up. A browser sends a handful at most.
const maxRanked = 20

// usability orders refresh tokens. The zero value is the most usable.
type usability int

const (
	usable  usability = iota // not rotated
	inGrace                  // rotated within the grace period: returns the same pair again
	reused                   // rotated earlier: ends the session
	ended                    // the session has ended
	unknown
)

// Rank returns refresh tokens without duplicates, the most usable first. A client may send several tokens, for example in
// duplicate cookies. An old token among them must not end the session. Rank does not change any session or token. It looks
// up only the first maxRanked well-formed tokens; the others rank last.
func (s *Store) Rank(ctx context.Context, refresh []string) ([]string, error) {
	if len(refresh) < 2 {
		return refresh, nil
	}
	rank := map[string]usability{}
	var ranked []string
	var tokens []token
	for _, text := range refresh {
		if _, known := rank[text]; known {
			continue
		}
		rank[text] = unknown
		ranked = append(ranked, text)
		if t, ok := s.authenticToken(text); ok && len(tokens) < maxRanked {
			tokens = append(tokens, t)
		}
	}
	for _, t := range tokens {
		u, err := s.usability(ctx, t)
		if err != nil {
			return nil, err
		}
		rank[t.String()] = u
	}
	slices.SortStableFunc(ranked, func(a, b string) int { return cmp.Compare(rank[a], rank[b]) })
	return ranked, nil
}

// usability looks up a token in one round trip.
func (s *Store) usability(ctx context.Context, t token) (usability, error) {
	replies := s.redis.DoMulti(ctx,
		s.redis.B().Get().Key(refreshKey(t)).Build(),
		s.redis.B().Exists().Key(sessionKey(t.session)).Build(),
		s.redis.B().Exists().Key(graceKey(t)).Build())
	state, err := replies[0].ToString()
	if rueidis.IsRedisNil(err) || wrongType(err) {
		return unknown, nil
	}
	if err != nil {
		return unknown, redis.Failure(err)
	}
	active, err := replies[1].AsBool()
	if err != nil {
		return unknown, redis.Failure(err)
	}
	grace, err := replies[2].AsBool()
	switch {
	case err != nil:
		return unknown, redis.Failure(err)
	case !active:
		return ended, nil
	case state == stateLive:
		return usable, nil
	case grace:
		return inGrace, nil
	}
	return reused, nil
}
