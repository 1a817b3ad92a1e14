package resolvers

import (
	"context"

	"openplr/graph"
	"openplr/plr"
	"openplr/signin"
)

// Sessions is what a person can do about their sessions; *signin.SignIn is one.
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
	who := signin.From(ctx)
	_, err := who.Require()
	if err == nil && (who.Session == nil || who.Session.ID != in.ID) { // leaving is free
		_, err = who.RequireFresh(plr.ActionEndSessions)
	}
	if err != nil {
		return nil, err
	}
	found, err := r.Sessions.End(ctx, who, in.ID)
	if err == nil && !found {
		err = plr.NotFound("id")
	}
	userErrors, fault := refusals(ctx, err)
	if err != nil {
		return &graph.EndSessionPayload{UserErrors: userErrors}, fault
	}
	return &graph.EndSessionPayload{EndedSessionID: &in.ID, UserErrors: userErrors}, nil
}

func (r mutation) EndOtherSessions(ctx context.Context) (*graph.EndOtherSessionsPayload, error) {
	who := signin.From(ctx)
	if _, err := who.RequireFresh(plr.ActionEndSessions); err != nil {
		return nil, err
	}
	count, err := r.Sessions.EndOthers(ctx, who)
	userErrors, fault := refusals(ctx, err)
	if err != nil {
		return &graph.EndOtherSessionsPayload{UserErrors: userErrors}, fault
	}
	return &graph.EndOtherSessionsPayload{EndedCount: &count, UserErrors: userErrors}, nil
}
