package resolvers

import (
	"context"

	"openplr/graph"
	"openplr/plr"
)

func (r learner) AccessHistory(ctx context.Context, l *plr.Learner, first int, after *string, filter *plr.AccessHistoryFilter) (*graph.AccessEntryConnection, error) {
	return r.accessConnection(ctx, l.ULN, first, after, filter)
}

func (r *Root) accessConnection(ctx context.Context, uln plr.ULN, first int, after *string, filter *plr.AccessHistoryFilter) (*graph.AccessEntryConnection, error) {
	page, err := r.Service.AccessHistory(ctx, uln, plr.PageRequest{First: first, After: after}, filter)
	if err != nil {
		return nil, err
	}
	out := &graph.AccessEntryConnection{Nodes: page.Items, PageInfo: pageInfo(page), TotalCount: page.Total}
	out.Edges = make([]*graph.AccessEntryEdge, len(page.Items))
	for i, item := range page.Items {
		out.Edges[i] = &graph.AccessEntryEdge{Cursor: page.Cursors[i], Node: item}
	}
	return out, nil
}
