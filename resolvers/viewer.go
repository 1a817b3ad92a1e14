package resolvers

import (
	"context"

	"openplr/graph"
	"openplr/plr"
	"openplr/signin"
)

func (query) Viewer(ctx context.Context) (*graph.Viewer, error) {
	who := signin.From(ctx)
	viewer := &graph.Viewer{Identity: &graph.IdentityBinding{Status: graph.IdentityStatusNone}}
	account, err := who.Require()
	if plr.CodeOf(err) == plr.CodeUnavailable {
		return nil, err // whether somebody is signed in cannot be said now
	}
	if err != nil {
		return viewer, nil //nolint:nilerr // nobody signed in is an answer here, not an error
	}
	viewer.SignedIn = true
	if s := who.Session; s != nil {
		viewer.Session = &graph.Session{
			ID: s.ID, CreatedAt: s.CreatedAt, IdleExpiresAt: s.IdleExpiresAt, AbsoluteExpiresAt: s.AbsoluteExpiresAt,
		}
	}
	viewer.Identity.Status = graph.IdentityStatusUnbound
	if account.ULN != "" {
		viewer.Identity.Status, viewer.Identity.BoundAt = graph.IdentityStatusBound, account.BoundAt
	}
	return viewer, nil
}
