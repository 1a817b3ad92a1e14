package resolvers

import (
	"context"

	"openplr/graph"
	"openplr/plr"
)

func (learner) DataChallenges(_ context.Context, l *plr.Learner, first int, after *string, filter *plr.DataChallengeFilter) (*graph.DataChallengeConnection, error) {
	page, err := l.DataChallengePage(plr.PageRequest{First: first, After: after}, filter)
	if err != nil {
		return nil, err
	}
	out := &graph.DataChallengeConnection{Nodes: page.Items, PageInfo: pageInfo(page), TotalCount: page.Total}
	out.Edges = make([]*graph.DataChallengeEdge, len(page.Items))
	for i, item := range page.Items {
		out.Edges[i] = &graph.DataChallengeEdge{Cursor: page.Cursors[i], Node: item}
	}
	return out, nil
}

func (r mutation) RaiseDataChallenge(ctx context.Context, in graph.RaiseDataChallengeInput) (*graph.RaiseDataChallengePayload, error) {
	challenge, userErrors, err := mutate(ctx, func(uln plr.ULN) (*plr.DataChallenge, error) {
		return r.Service.RaiseDataChallenge(ctx, uln, plr.DataChallengeInput{
			EventID: in.EventID, Kind: in.Kind, Explanation: in.Explanation,
			ProposedValue: in.ProposedValue.Value(), IdempotencyKey: in.IdempotencyKey.Value(),
		})
	})
	if err != nil {
		return nil, err
	}
	return &graph.RaiseDataChallengePayload{DataChallenge: challenge, UserErrors: userErrors}, nil
}

func (r mutation) WithdrawDataChallenge(ctx context.Context, in graph.WithdrawDataChallengeInput) (*graph.WithdrawDataChallengePayload, error) {
	challenge, userErrors, err := mutate(ctx, func(uln plr.ULN) (*plr.DataChallenge, error) {
		return r.Service.WithdrawDataChallenge(ctx, uln, in.ID)
	})
	if err != nil {
		return nil, err
	}
	return &graph.WithdrawDataChallengePayload{DataChallenge: challenge, UserErrors: userErrors}, nil
}
