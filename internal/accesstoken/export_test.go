package accesstoken

import "time"

// SetClock lets a test move the time, Remember fill the memory.
func (i *Issuer) SetClock(now func() time.Time)     { i.now = now }
func (v *Verifier) SetClock(now func() time.Time)   { v.now = now }
func (v *Verifier) Remember(most int)               { v.seen = newSeen(most) }
func (r *RemoteKeys) SetClock(now func() time.Time) { r.now = now }

// The limits that the tests walk along.
const (
	KeysMinAge = keysMinAge
	KeysMaxAge = keysMaxAge
)
