package resolvers

import (
	"context"

	"openplr/graph"
	"openplr/plr"
)

func (learner) LearningEvents(_ context.Context, l *plr.Learner, first int, after *string, filter *plr.LearningEventFilter, order *plr.LearningEventOrder) (*graph.LearningEventConnection, error) {
	page, err := l.LearningEvents(plr.PageRequest{First: first, After: after}, filter, order)
	if err != nil {
		return nil, err
	}
	out := &graph.LearningEventConnection{Nodes: page.Items, PageInfo: pageInfo(page), TotalCount: page.Total}
	out.Edges = make([]*graph.LearningEventEdge, len(page.Items))
	for i, item := range page.Items {
		out.Edges[i] = &graph.LearningEventEdge{Cursor: page.Cursors[i], Node: item}
	}
	return out, nil
}
