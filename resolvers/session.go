package resolvers

import (
	"context"

	"openplr/graph"
	"openplr/plr"
	"openplr/signin"
)

// Sessions is what a person can do about their sessions; *signin.SignIn is one.
// Each asks for the sign-in that it needs.
type Sessions interface {
	// ListSessions gives the sessions of the account that live, newest first.
	ListSessions(ctx context.Context, who signin.Who) ([]*signin.SessionInfo, error)
	// End ends one of them, and says whether there was one with this id.
	End(ctx context.Context, who signin.Who, id string) (bool, error)
	// EndOthers ends all but the one that asks, and says how many it ended.
	EndOthers(ctx context.Context, who signin.Who) (int, error)
}

func (r viewer) Sessions(ctx context.Context, v *graph.Viewer) ([]*graph.Session, error) {
	out := []*graph.Session{}
	if !v.SignedIn {
		return out, nil
	}
	list, err := r.Root.Sessions.ListSessions(ctx, signin.From(ctx))
	for _, s := range list {
		out = append(out, shownSession(s))
	}
	return out, err
}

func shownSession(s *signin.SessionInfo) *graph.Session {
	out := &graph.Session{
		ID: s.ID, Kind: graph.SessionKindWeb, CreatedAt: s.CreatedAt, LastSeenAt: s.LastSeenAt, AuthenticatedAt: s.AuthTime,
		IdleExpiresAt: s.IdleExpiresAt, AbsoluteExpiresAt: s.AbsoluteExpiresAt,
		StepUpUntil: orNull(s.StepUpUntil), DeviceLabel: orNull(s.DeviceLabel), Current: s.Current,
	}
	if s.Kind == signin.KindApp {
		out.Kind = graph.SessionKindApp
	}
	return out
}

func (r mutation) EndSession(ctx context.Context, in graph.EndSessionInput) (*graph.EndSessionPayload, error) {
	found, err := r.Sessions.End(ctx, signin.From(ctx), in.ID)
	if (err == nil && !found) || (err != nil && plr.CodeOf(err) == plr.CodeNotFound) {
		err = plr.NotFound("id")
	}
	userErrors, fault := refusals(ctx, err)
	if err != nil {
		return &graph.EndSessionPayload{UserErrors: userErrors}, fault
	}
	return &graph.EndSessionPayload{EndedSessionID: &in.ID, UserErrors: userErrors}, nil
}

func (r mutation) EndOtherSessions(ctx context.Context) (*graph.EndOtherSessionsPayload, error) {
	count, err := r.Sessions.EndOthers(ctx, signin.From(ctx))
	userErrors, fault := refusals(ctx, err)
	if err != nil {
		return &graph.EndOtherSessionsPayload{UserErrors: userErrors}, fault
	}
	return &graph.EndOtherSessionsPayload{EndedCount: &count, UserErrors: userErrors}, nil
}
