package rpc

import (
	"context"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/services/users"
)

// DirectoryHandler implements the internal DirectoryService.
type DirectoryHandler struct {
	usersv1.UnimplementedDirectoryServiceServer

	service *users.Service
}

// NewDirectoryHandler returns a handler that calls service.
func NewDirectoryHandler(service *users.Service) *DirectoryHandler {
	return &DirectoryHandler{service: service}
}

// FindPlayers returns the players with the given e-mails.
func (h *DirectoryHandler) FindPlayers(
	ctx context.Context, req *usersv1.FindPlayersRequest,
) (*usersv1.FindPlayersResponse, error) {
	found, err := h.service.FindPlayers(ctx, req.GetEmails())
	if err != nil {
		return nil, err
	}
	res := &usersv1.FindPlayersResponse{}
	for email, id := range found {
		res.Players = append(res.Players, &usersv1.FoundPlayer{Email: email, UserId: id.String()})
	}
	return res, nil
}
