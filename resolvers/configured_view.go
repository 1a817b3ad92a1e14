package resolvers

import (
	"context"

	"openplr/graph"
	"openplr/plr"
)

func (r learner) ConfiguredViews(ctx context.Context, l *plr.Learner, first int, after *string) (*graph.ConfiguredViewConnection, error) {
	page, err := r.Service.ConfiguredViews(ctx, l.ULN, plr.PageRequest{First: first, After: after})
	if err != nil {
		return nil, err
	}
	out := &graph.ConfiguredViewConnection{Nodes: page.Items, PageInfo: pageInfo(page), TotalCount: page.Total}
	out.Edges = make([]*graph.ConfiguredViewEdge, len(page.Items))
	for i, item := range page.Items {
		out.Edges[i] = &graph.ConfiguredViewEdge{Cursor: page.Cursors[i], Node: item}
	}
	return out, nil
}

func (r configuredView) Preview(ctx context.Context, v *plr.ConfiguredView) (*plr.SharedRecord, error) {
	l, err := r.Service.Learner(ctx, v.ULN)
	if err != nil {
		return nil, err
	}
	return r.Service.Preview(l, v), nil
}

func (r configuredView) ShareLinks(ctx context.Context, v *plr.ConfiguredView, first int, after *string) (*graph.ShareLinkConnection, error) {
	return r.linkConnection(ctx, v.ULN, first, after, &plr.ShareLinkFilter{ViewID: &v.ID})
}

func (r mutation) CreateConfiguredView(ctx context.Context, in graph.CreateConfiguredViewInput) (*graph.CreateConfiguredViewPayload, error) {
	view, userErrors, err := mutate(ctx, func(uln plr.ULN) (*plr.ConfiguredView, error) {
		return r.Service.CreateConfiguredView(ctx, uln, plr.ConfiguredViewInput{
			Name: in.Name, Selection: selectionOf(in.Selection), Fields: in.Fields.Value(),
			Language: value(in.Language.Value()), IdempotencyKey: in.IdempotencyKey.Value(),
		})
	})
	if err != nil {
		return nil, err
	}
	return &graph.CreateConfiguredViewPayload{ConfiguredView: view, UserErrors: userErrors}, nil
}

func (r mutation) UpdateConfiguredView(ctx context.Context, in graph.UpdateConfiguredViewInput) (*graph.UpdateConfiguredViewPayload, error) {
	view, userErrors, err := mutate(ctx, func(uln plr.ULN) (*plr.ConfiguredView, error) {
		change := plr.ConfiguredViewChange{
			ID: in.ID, ExpectedVersion: in.ExpectedVersion, Name: in.Name.Value(),
			Fields: in.Fields.Value(), Language: in.Language.Value(),
		}
		if s := in.Selection.Value(); s != nil {
			selection := selectionOf(s)
			change.Selection = &selection
		}
		return r.Service.UpdateConfiguredView(ctx, uln, change)
	})
	if err != nil {
		return nil, err
	}
	return &graph.UpdateConfiguredViewPayload{ConfiguredView: view, UserErrors: userErrors}, nil
}

func (r mutation) DeleteConfiguredView(ctx context.Context, in graph.DeleteConfiguredViewInput) (*graph.DeleteConfiguredViewPayload, error) {
	deleted, userErrors, err := mutate(ctx, func(uln plr.ULN) (*string, error) {
		return &in.ID, r.Service.DeleteConfiguredView(ctx, uln, in.ID)
	})
	if err != nil {
		return nil, err
	}
	return &graph.DeleteConfiguredViewPayload{DeletedID: deleted, UserErrors: userErrors}, nil
}

// selectionOf reads the alternatives. That exactly one was given is checked
// for every @oneOf input before resolvers run, and once more by the domain.
func selectionOf(in *graph.ViewSelectionInput) plr.ViewSelection {
	return plr.ViewSelection{Events: in.Events.Value(), Rule: in.Rule.Value(), Everything: value(in.Everything.Value())}
}

func value[E any](p *E) E {
	if p == nil {
		var zero E
		return zero
	}
	return *p
}
