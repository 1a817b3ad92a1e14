package resolvers

import (
	"context"

	"openplr/graph"
	"openplr/plr"
	"openplr/signin"
)

// Viewer says who is asking. What needs more than the session is read by the
// fields below, when somebody asks for it.
func (query) Viewer(ctx context.Context) (*graph.Viewer, error) {
	who := signin.From(ctx)
	_, err := who.Require()
	if plr.CodeOf(err) == plr.CodeUnavailable {
		return nil, err // whether somebody is signed in cannot be said now
	}
	if err != nil {
		return &graph.Viewer{}, nil //nolint:nilerr // nobody signed in is an answer here, not an error
	}
	viewer := &graph.Viewer{SignedIn: true, Roles: who.Roles}
	if who.Session != nil {
		viewer.Session = shownSession(who.Session)
	}
	return viewer, nil
}
