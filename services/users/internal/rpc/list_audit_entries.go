package rpc

import (
	"context"
	"time"

	"connectrpc.com/connect"
	"github.com/google/uuid"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/convert/fields"
	"github.com/casino-loyalty/loyalty/internal/paging"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/internal/wire"
)

// ListAuditEntries returns entries of the audit trail, newest first.
func (h *Audit) ListAuditEntries(
	ctx context.Context, r *connect.Request[usersv1.ListAuditEntriesRequest],
) (*connect.Response[usersv1.ListAuditEntriesResponse], error) {
	page, err := paging.Parse(r.Msg, uuid.Parse)
	if err != nil {
		return nil, err
	}
	filter, err := auditFilter(r.Msg)
	if err != nil {
		return nil, err
	}
	listed, err := h.service.ListAuditEntries(ctx, filter, page)
	if err != nil {
		return nil, err
	}
	next, err := paging.NextToken(r.Msg, listed, func(e users.AuditEntry) string { return e.ID.String() })
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&usersv1.ListAuditEntriesResponse{
		Entries: wire.FromAuditEntries(listed.Items), NextPageToken: next,
		Total: int32(listed.Total), TotalIsEstimate: listed.TotalIsEstimate,
	}), nil
}

func auditFilter(r *usersv1.ListAuditEntriesRequest) (users.AuditFilter, error) {
	var read fields.Reader
	f := users.AuditFilter{
		Service: r.GetService(), Action: wire.ToAuditAction(r.GetAction()),
		Actor: read.UUID("actor", r.GetActor(), fields.Optional), Target: read.UUID("target", r.GetTarget(), fields.Optional),
	}
	err := read.Err()
	if err == nil {
		f.From, err = instant("from", r.GetFrom())
	}
	if err == nil {
		f.To, err = instant("to", r.GetTo())
	}
	return f, err
}

// instant parses a time. It returns the zero time for an empty text.
func instant(field, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := fields.ParseTime(text)
	if err != nil {
		return time.Time{}, apperr.Invalid(field, "timestamp", "%v", err)
	}
	return t, nil
}
