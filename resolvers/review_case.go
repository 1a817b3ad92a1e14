package resolvers

import (
	"context"

	"openplr/graph"
	"openplr/plr"
	"openplr/signin"
)

// Casework is null for everybody who is not staff, also for nobody at all.
func (query) Casework(ctx context.Context) (*graph.Casework, error) {
	who := signin.From(ctx)
	_, err := who.Require()
	if plr.CodeOf(err) == plr.CodeUnavailable {
		return nil, err
	}
	if err != nil || len(who.Roles) == 0 {
		return nil, nil //nolint:nilerr // not being staff is an answer here, not an error
	}
	return &graph.Casework{}, nil
}

func (r casework) ReviewCases(ctx context.Context, _ *graph.Casework, first int, after *string, filter *plr.ReviewCaseFilter) (*graph.ReviewCaseConnection, error) {
	page, err := r.Service.ReviewCases(ctx, signin.From(ctx).Roles, plr.PageRequest{First: first, After: after}, filter)
	if err != nil {
		return nil, err
	}
	out := &graph.ReviewCaseConnection{Nodes: page.Items, PageInfo: pageInfo(page), TotalCount: page.Total}
	out.Edges = make([]*graph.ReviewCaseEdge, len(page.Items))
	for i, item := range page.Items {
		out.Edges[i] = &graph.ReviewCaseEdge{Cursor: page.Cursors[i], Node: item}
	}
	return out, nil
}

func (reviewCase) HolderAccountID(_ context.Context, c *plr.ReviewCase) (*string, error) {
	return orNull(c.Holder), nil
}

func (reviewCase) Uln(_ context.Context, c *plr.ReviewCase) (*plr.ULN, error) {
	return orNull(c.ULN), nil
}

func (r reviewCase) Evidence(ctx context.Context, c *plr.ReviewCase) (*plr.ReviewEvidence, error) {
	return r.Service.ReviewEvidence(ctx, signin.From(ctx).Roles, c.ID)
}

func (reviewEvidence) Register(_ context.Context, e *plr.ReviewEvidence) (*graph.ReviewRegisterEntry, error) {
	entry := e.Register
	if entry == nil {
		return nil, nil
	}
	return &graph.ReviewRegisterEntry{
		Uln: entry.ULN, GivenName: orNull(entry.GivenName), MiddleOtherName: orNull(entry.MiddleOtherName),
		FamilyName: orNull(entry.FamilyName), PreferredGivenName: orNull(entry.PreferredGivenName),
		PreviousFamilyName: orNull(entry.PreviousFamilyName), FamilyNameAtAge16: orNull(entry.FamilyNameAtAge16),
		DateOfBirth: orNull(entry.DateOfBirth), LastKnownPostCode: orNull(entry.LastKnownPostCode),
	}, nil
}

// ResolveReviewCase asks for the role before the fresh sign-in: nobody is sent
// away to sign in for what they may not do.
func (r mutation) ResolveReviewCase(ctx context.Context, in plr.ResolveReviewCaseInput) (*graph.ResolveReviewCasePayload, error) {
	who := signin.From(ctx)
	account, err := who.Require()
	if err == nil && len(who.Roles) == 0 {
		err = plr.Forbidden()
	}
	if err == nil {
		account, err = who.RequireFresh(plr.ActionResolveReview)
	}
	if err != nil {
		return nil, err
	}
	resolved, err := r.Service.ResolveReviewCase(ctx, account, who.Roles, in)
	userErrors, fault := refusals(ctx, err)
	if err != nil {
		return &graph.ResolveReviewCasePayload{UserErrors: userErrors}, fault
	}
	return &graph.ResolveReviewCasePayload{ReviewCase: resolved, UserErrors: userErrors}, nil
}

// staffNode finds what caseworkers may see by its id; null for everybody else.
func (r *Root) staffNode(ctx context.Context, id string) (graph.Node, error) {
	roles := signin.From(ctx).Roles
	if len(roles) == 0 {
		return nil, nil
	}
	found, err := r.Service.ReviewCase(ctx, roles, id)
	if err != nil && plr.CodeOf(err) == plr.CodeNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return found, nil
}
