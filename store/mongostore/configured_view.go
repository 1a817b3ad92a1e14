package mongostore

import (
	"context"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"openplr/plr"
)

// viewDocument is the newest version of a view.
type viewDocument struct {
	ID            string              `bson:"_id"`
	SchemaVersion int                 `bson:"schemaVersion"`
	ULN           plr.ULN             `bson:"uln"`
	Revision      int64               `bson:"revision"`
	DeletedAt     *time.Time          `bson:"deletedAt"`
	Body          *plr.ConfiguredView `bson:"body"`
}

// versionDocument is a version before the newest.
type versionDocument struct {
	ID            string  `bson:"_id"` // view#version
	SchemaVersion int     `bson:"schemaVersion"`
	ULN           plr.ULN `bson:"uln"`
	View          string  `bson:"view"`
	// Revision of the view that was copied: an older copy replaces no newer one.
	Revision int64               `bson:"revision"`
	Body     *plr.ConfiguredView `bson:"body"`
}

func newViewDocument(v *plr.ConfiguredView, revision int64) *viewDocument {
	return &viewDocument{ID: v.ID, SchemaVersion: views.version, ULN: v.ULN, Revision: revision, DeletedAt: v.DeletedAt, Body: v}
}

// CreateConfiguredView implements plr.ViewStore.
func (s *Store) CreateConfiguredView(ctx context.Context, v *plr.ConfiguredView, idem *plr.Idempotency) (*plr.ConfiguredView, error) {
	ctx, done := s.begin(ctx)
	defer done()
	id, err := s.create(ctx, v.ULN, idem, views, v.ID, newViewDocument(v, 1), func(ctx context.Context) error {
		list, err := s.find(ctx, views, bson.D{{Key: "uln", Value: v.ULN}}, nil, 0, "deletedAt", "schemaVersion")
		held := 0
		for _, raw := range list {
			if t := raw.Lookup("deletedAt").Type; t != bson.TypeDateTime {
				held++
			}
		}
		if err == nil && held >= plr.MaxConfiguredViews {
			return plr.ViewLimit()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	doc, err := s.view(ctx, v.ULN, id)
	if err != nil {
		return nil, err
	}
	return doc.Body, nil
}

func (s *Store) view(ctx context.Context, uln plr.ULN, id string) (*viewDocument, error) {
	raw, err := s.findOne(ctx, views, owned(uln, id))
	if err != nil {
		return nil, err
	}
	if raw == nil {
		return nil, plr.NotFound("id")
	}
	return decode[viewDocument](views, raw)
}

// UpdateConfiguredView implements plr.ViewStore. The version before it is kept
// first; a copy without an edit behind it is of the newest version, and no harm.
func (s *Store) UpdateConfiguredView(ctx context.Context, uln plr.ULN, id string, edit func(*plr.ConfiguredView) error) (*plr.ConfiguredView, error) {
	ctx, done := s.begin(ctx)
	defer done()
	turn, err := s.queue.wait(ctx, "view "+id)
	if err != nil {
		return nil, err
	}
	defer turn()
	for attempt := 0; ; attempt++ {
		before, err := s.view(ctx, uln, id)
		if err != nil {
			return nil, err
		}
		version := &versionDocument{
			ID: fmt.Sprintf("%s#%d", id, before.Body.Version), SchemaVersion: viewVersions.version, ULN: uln, View: id, Revision: before.Revision, Body: before.Body,
		}
		kept, err := encode(version) // before edit can change it
		if err != nil {
			return nil, err
		}
		view := before.Body
		if err := edit(view); err != nil {
			return nil, err
		}
		after, err := encode(newViewDocument(view, before.Revision+1)) // edit may have kept view
		if err != nil {
			return nil, err
		}
		if err := s.keepVersion(ctx, uln, version.ID, before.Revision, kept); err != nil {
			return nil, err
		}
		stored, err := s.replace(ctx, views, and(owned(uln, id), "revision", before.Revision), after)
		if err != nil {
			return nil, err
		}
		if stored {
			doc, err := decode[viewDocument](views, after)
			if err != nil {
				return nil, err
			}
			return doc.Body, nil
		}
		if err := pause(ctx, attempt); err != nil {
			return nil, err
		}
	}
}

func (s *Store) keepVersion(ctx context.Context, uln plr.ULN, id string, revision int64, kept bson.Raw) error {
	taken, err := s.insert(ctx, viewVersions, kept)
	if err != nil || !taken {
		return err
	}
	_, err = s.replace(ctx, viewVersions, and(owned(uln, id), "revision", op("$lt", revision)), kept)
	return err
}

// ConfiguredView implements plr.ViewStore.
func (s *Store) ConfiguredView(ctx context.Context, uln plr.ULN, id string) (*plr.ConfiguredView, error) {
	ctx, done := s.begin(ctx)
	defer done()
	doc, err := s.view(ctx, uln, id)
	if err != nil {
		return nil, err
	}
	return doc.Body, nil
}

// ConfiguredViewVersion implements plr.ViewStore.
func (s *Store) ConfiguredViewVersion(ctx context.Context, uln plr.ULN, id string, version int) (*plr.ConfiguredView, error) {
	ctx, done := s.begin(ctx)
	defer done()
	doc, err := s.view(ctx, uln, id)
	if err != nil {
		return nil, err
	}
	if doc.Body.Version == version {
		return doc.Body, nil
	}
	raw, err := s.findOne(ctx, viewVersions, owned(uln, fmt.Sprintf("%s#%d", id, version)))
	if err != nil {
		return nil, err
	}
	if raw == nil {
		return nil, plr.NotFound("id")
	}
	kept, err := decode[versionDocument](viewVersions, raw)
	if err != nil {
		return nil, err
	}
	return kept.Body, nil
}

// ConfiguredViews implements plr.ViewStore.
func (s *Store) ConfiguredViews(ctx context.Context, uln plr.ULN) ([]*plr.ConfiguredView, error) {
	ctx, done := s.begin(ctx)
	defer done()
	raws, err := s.find(ctx, views, bson.D{{Key: "uln", Value: uln}}, nil, 0)
	if err != nil {
		return nil, err
	}
	docs, err := decodeAll[viewDocument](views, raws)
	if err != nil {
		return nil, err
	}
	var out []*plr.ConfiguredView
	for _, doc := range docs {
		out = append(out, doc.Body)
	}
	return out, nil
}
