package resolvers

import (
	"context"
	"slices"

	"openplr/graph"
	"openplr/plr"
	"openplr/signin"
)

func (viewer) Notices(ctx context.Context, v *graph.Viewer) ([]*plr.AccountNotice, error) {
	if !v.SignedIn {
		return []*plr.AccountNotice{}, nil
	}
	account, err := signin.From(ctx).Require()
	if err != nil {
		return nil, err
	}
	return newestFirst(account.Notices), nil
}

func (accountNotice) Message(ctx context.Context, n *plr.AccountNotice) (string, error) {
	return n.Text().In(LanguageOf(ctx)), nil
}

func (r mutation) AcknowledgeNotices(ctx context.Context) (*graph.AcknowledgeNoticesPayload, error) {
	account, err := signin.From(ctx).Require()
	if err != nil {
		return nil, err
	}
	account, err = r.Service.AcknowledgeNotices(ctx, account.ID)
	userErrors, fault := refusals(ctx, err)
	if err != nil {
		return &graph.AcknowledgeNoticesPayload{UserErrors: userErrors}, fault
	}
	return &graph.AcknowledgeNoticesPayload{Notices: newestFirst(account.Notices), UserErrors: userErrors}, nil
}

func newestFirst(notices []plr.AccountNotice) []*plr.AccountNotice {
	out := make([]*plr.AccountNotice, 0, len(notices))
	for _, n := range slices.Backward(notices) {
		out = append(out, &n)
	}
	return out
}
