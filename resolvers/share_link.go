package resolvers

import (
	"context"
	"encoding/base64"

	"github.com/99designs/gqlgen/graphql"

	"openplr/graph"
	"openplr/plr"
	"openplr/signin"
)

func (r learner) ShareLinks(ctx context.Context, l *plr.Learner, first int, after *string, filter *plr.ShareLinkFilter) (*graph.ShareLinkConnection, error) {
	return r.linkConnection(ctx, l.ULN, first, after, filter)
}

func (r *Root) linkConnection(ctx context.Context, uln plr.ULN, first int, after *string, filter *plr.ShareLinkFilter) (*graph.ShareLinkConnection, error) {
	page, err := r.Service.ShareLinks(ctx, uln, plr.PageRequest{First: first, After: after}, filter)
	if err != nil {
		return nil, err
	}
	out := &graph.ShareLinkConnection{Nodes: page.Items, PageInfo: pageInfo(page), TotalCount: page.Total}
	out.Edges = make([]*graph.ShareLinkEdge, len(page.Items))
	for i, item := range page.Items {
		out.Edges[i] = &graph.ShareLinkEdge{Cursor: page.Cursors[i], Node: item}
	}
	return out, nil
}

func (r shareLink) View(ctx context.Context, link *plr.ShareLink) (*plr.ConfiguredView, error) {
	return r.Service.ViewOfLink(ctx, link)
}

func (r shareLink) URL(_ context.Context, link *plr.ShareLink) (*string, error) {
	if url := r.Service.LinkURL(link); url != "" {
		return &url, nil
	}
	return nil, nil
}

func (r shareLink) QRCode(ctx context.Context, link *plr.ShareLink, format plr.QRFormat, size int) (*plr.QRCode, error) {
	code, err := r.Service.ShareLinkQR(ctx, link, format, size)
	if err != nil && plr.CodeOf(err) == plr.CodeLinkEnded {
		return nil, nil
	}
	return code, err
}

func (r shareLink) AccessHistory(ctx context.Context, link *plr.ShareLink, first int, after *string) (*graph.AccessEntryConnection, error) {
	return r.accessConnection(ctx, link.ULN, first, after, &plr.AccessHistoryFilter{ShareLinkID: &link.ID})
}

func (qrCode) DataURI(_ context.Context, q *plr.QRCode) (string, error) {
	return "data:" + q.MediaType + ";base64," + base64.StdEncoding.EncodeToString(q.Image), nil
}

func (r mutation) CreateShareLink(ctx context.Context, in graph.CreateShareLinkInput) (*graph.CreateShareLinkPayload, error) {
	link, userErrors, err := mutate(ctx, func(uln plr.ULN) (*plr.ShareLink, error) {
		return r.Service.CreateShareLink(ctx, uln, plr.ShareLinkInput{
			ViewID: in.ViewID, Label: in.Label.Value(), ExpiresAt: in.ExpiresAt.Value(), MaxRedemptions: in.MaxRedemptions.Value(),
			PIN: in.Pin.Value(), Recipient: in.Recipient.Value(), Purpose: in.Purpose,
			Language: value(in.Language.Value()), IdempotencyKey: in.IdempotencyKey.Value(),
			Fresh: signin.From(ctx).Fresh,
		})
	})
	if err != nil {
		return nil, err
	}
	return &graph.CreateShareLinkPayload{ShareLink: link, UserErrors: userErrors}, nil
}

func (r mutation) UpdateShareLink(ctx context.Context, in graph.UpdateShareLinkInput) (*graph.UpdateShareLinkPayload, error) {
	link, userErrors, err := mutate(ctx, func(uln plr.ULN) (*plr.ShareLink, error) {
		return r.Service.UpdateShareLink(ctx, uln, plr.ShareLinkChange{
			ID: in.ID, ExpectedVersion: in.ExpectedVersion,
			Label: in.Label.Value(), ClearLabel: isNull(in.Label),
			ExpiresAt:      in.ExpiresAt.Value(),
			MaxRedemptions: in.MaxRedemptions.Value(), ClearMaxRedemptions: isNull(in.MaxRedemptions),
			Recipient: in.Recipient.Value(), ClearRecipient: isNull(in.Recipient),
			Purpose: in.Purpose.Value(), Language: in.Language.Value(),
			Fresh: signin.From(ctx).Fresh,
		})
	})
	if err != nil {
		return nil, err
	}
	return &graph.UpdateShareLinkPayload{ShareLink: link, UserErrors: userErrors}, nil
}

// isNull tells an explicit null, which takes a value away, from an absent one.
func isNull[E any](o graphql.Omittable[*E]) bool { return o.IsSet() && o.Value() == nil }

func (r mutation) PauseShareLink(ctx context.Context, in graph.PauseShareLinkInput) (*graph.PauseShareLinkPayload, error) {
	link, userErrors, err := mutate(ctx, func(uln plr.ULN) (*plr.ShareLink, error) {
		return r.Service.PauseShareLink(ctx, uln, in.ID)
	})
	if err != nil {
		return nil, err
	}
	return &graph.PauseShareLinkPayload{ShareLink: link, UserErrors: userErrors}, nil
}

func (r mutation) ResumeShareLink(ctx context.Context, in graph.ResumeShareLinkInput) (*graph.ResumeShareLinkPayload, error) {
	link, userErrors, err := mutate(ctx, func(uln plr.ULN) (*plr.ShareLink, error) {
		return r.Service.ResumeShareLink(ctx, uln, in.ID)
	})
	if err != nil {
		return nil, err
	}
	return &graph.ResumeShareLinkPayload{ShareLink: link, UserErrors: userErrors}, nil
}

func (r mutation) UnfreezeShareLink(ctx context.Context, in graph.UnfreezeShareLinkInput) (*graph.UnfreezeShareLinkPayload, error) {
	link, userErrors, err := mutate(ctx, func(uln plr.ULN) (*plr.ShareLink, error) {
		return r.Service.UnfreezeShareLink(ctx, uln, in.ID)
	})
	if err != nil {
		return nil, err
	}
	return &graph.UnfreezeShareLinkPayload{ShareLink: link, UserErrors: userErrors}, nil
}

func (r mutation) RevokeShareLink(ctx context.Context, in graph.RevokeShareLinkInput) (*graph.RevokeShareLinkPayload, error) {
	link, userErrors, err := mutate(ctx, func(uln plr.ULN) (*plr.ShareLink, error) {
		return r.Service.RevokeShareLink(ctx, uln, in.ID)
	})
	if err != nil {
		return nil, err
	}
	return &graph.RevokeShareLinkPayload{ShareLink: link, UserErrors: userErrors}, nil
}

func (r mutation) RevokeAllShareLinks(ctx context.Context) (*graph.RevokeAllShareLinksPayload, error) {
	count, userErrors, err := mutate(ctx, func(uln plr.ULN) (*int, error) {
		n, err := r.Service.RevokeAllShareLinks(ctx, uln)
		return &n, err
	})
	if err != nil {
		return nil, err
	}
	return &graph.RevokeAllShareLinksPayload{RevokedCount: count, UserErrors: userErrors}, nil
}
