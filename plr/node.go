package plr

import (
	"context"
	"strings"
)

// Node gives the learner's own object with this id: *Learner, *LearningEvent,
// *ConfiguredView, *ShareLink, *DataChallenge or *AccessEntry. An id that is
// unknown, malformed or somebody else's gives nil and no error.
func (s *Service) Node(ctx context.Context, uln ULN, id string) (any, error) {
	kind, _, _ := strings.Cut(id, "_")
	if !isID(id, kind) {
		return nil, nil
	}
	node, err := s.findNode(ctx, uln, kind, id)
	if err != nil && CodeOf(err) == CodeNotFound {
		return nil, nil
	}
	return node, err
}

func (s *Service) findNode(ctx context.Context, uln ULN, kind, id string) (any, error) {
	switch kind {
	case idLearner, idEvent, idChallenge:
		l, err := s.Learner(ctx, uln)
		if err != nil {
			return nil, err
		}
		if l.ID == id {
			return l, nil
		}
		if e := l.LearningEvent(id); e != nil {
			return e, nil
		}
		if c := l.DataChallenge(id); c != nil {
			return c, nil
		}
	case idView:
		return found(s.ConfiguredView(ctx, uln, id))
	case idLink:
		return found(s.ShareLink(ctx, uln, id))
	case idAccess:
		return found(s.accessEntry(ctx, uln, id))
	}
	return nil, NotFound("id")
}

// found keeps a typed nil from looking like an object.
func found[E any](object *E, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return object, nil
}
