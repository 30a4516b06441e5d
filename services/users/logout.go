package users

import "context"

// Logout ends the session of a refresh token. TOKEN_MISSING for none, TOKEN_INVALID for one that is not known, and
// TOKEN_REVOKED where the session has ended already.
func (s *Service) Logout(ctx context.Context, refresh string) error {
	if refresh == "" {
		return missing()
	}
	return s.sessions.End(ctx, refresh)
}
