package resolvers

import (
	"context"

	"openplr/graph"
	"openplr/plr"
)

func (r learner) SharingPreference(ctx context.Context, l *plr.Learner) (*plr.SharingPreference, error) {
	return r.Service.SharingPreference(ctx, l)
}

func (sharingPreference) Consequences(ctx context.Context, _ *plr.SharingPreference) (string, error) {
	return plr.OptOutConsequences.In(LanguageOf(ctx)), nil
}

func (r mutation) SetSharingPreference(ctx context.Context, in plr.SetSharingPreferenceInput) (*graph.SetSharingPreferencePayload, error) {
	preference, userErrors, err := mutate(ctx, func(uln plr.ULN) (*plr.SharingPreference, error) {
		return r.Service.SetSharingPreference(ctx, uln, in)
	})
	if err != nil {
		return nil, err
	}
	return &graph.SetSharingPreferencePayload{SharingPreference: preference, UserErrors: userErrors}, nil
}
