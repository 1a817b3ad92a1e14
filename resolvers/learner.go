package resolvers

import (
	"context"
	"fmt"

	"openplr/graph"
	"openplr/plr"
)

func (r query) Learner(ctx context.Context) (*plr.Learner, error) {
	uln, err := asking(ctx)
	if err != nil || uln == "" {
		return nil, err
	}
	l, err := r.Service.Learner(ctx, uln)
	if err != nil && plr.CodeOf(err) == plr.CodeNotFound {
		return nil, nil // bound to a number of which nothing is held any more
	}
	return l, err
}

// Node finds one of the asking learner's own objects, and for caseworkers a
// review case. Whatever is not theirs is null, as is an id that is nobody's.
func (r query) Node(ctx context.Context, id string) (graph.Node, error) {
	uln, err := asking(ctx)
	if err != nil {
		return nil, err
	}
	if uln == "" {
		return r.staffNode(ctx, id)
	}
	node, err := r.Service.Node(ctx, uln, id)
	if err != nil {
		return nil, err
	}
	if node == nil {
		return r.staffNode(ctx, id)
	}
	out, ok := node.(graph.Node)
	if !ok {
		return nil, fmt.Errorf("%T is no node of the schema", node)
	}
	return out, nil
}
