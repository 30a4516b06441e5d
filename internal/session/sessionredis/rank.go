package sessionredis

import (
	"cmp"
	"context"
	"slices"

	"github.com/casino-loyalty/loyalty/internal/apperr"
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
	unknown                  // not authentic, or its rotation was lost
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

// usability looks up a token in two round trips at most.
func (s *Store) usability(ctx context.Context, t token) (usability, error) {
	_, u, err := s.find(ctx, t)
	switch code := apperr.CodeOf(err); {
	case code == apperr.TokenRevoked || code == apperr.TokenInvalid:
		return u, nil
	case err != nil || u != inGrace:
		return u, err
	}
	grace, err := s.redis.Do(ctx, s.redis.B().Exists().Key(graceKey(t)).Build()).AsBool()
	switch {
	case err != nil:
		return unknown, redis.Failure(err)
	case grace:
		return inGrace, nil
	}
	return reused, nil
}
