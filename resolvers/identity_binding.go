package resolvers

import (
	"context"
	"time"

	"openplr/graph"
	"openplr/plr"
	"openplr/signin"
)

// Identity is a question to the domain: where the connection stands is kept
// apart from the session.
func (r viewer) Identity(ctx context.Context, v *graph.Viewer) (*plr.IdentityBinding, error) {
	if !v.SignedIn {
		return &plr.IdentityBinding{Status: plr.IdentityNone}, nil
	}
	account, err := signin.From(ctx).Require()
	if err != nil {
		return nil, err
	}
	return r.Service.IdentityBinding(ctx, account)
}

func (identityBinding) AttemptsLeft(_ context.Context, b *plr.IdentityBinding) (*int, error) {
	if b.Status == plr.IdentityNone || b.Status == plr.IdentityBound || b.Status == plr.IdentitySuspended {
		return nil, nil
	}
	return &b.ClaimsLeft, nil
}

// ClaimableUntil goes by this session: who proved who they are in another one
// proves it anew.
func (identityBinding) ClaimableUntil(ctx context.Context, b *plr.IdentityBinding) (*time.Time, error) {
	who := signin.From(ctx)
	if b.Status == plr.IdentityNone || b.Status == plr.IdentityBound || who.Session == nil || who.Session.IdentityAt.IsZero() {
		return nil, nil
	}
	until := who.Session.IdentityAt.Add(plr.IdentityLife)
	return &until, nil
}

func (r identityBinding) ProveURL(_ context.Context, b *plr.IdentityBinding) (*string, error) {
	if b.Status == plr.IdentityNone || !r.ProvesIdentity {
		return nil, nil
	}
	return new(r.PublicURL + signin.IdentityStartPath), nil
}

// ClaimRecord answers every failed claim alike: what comes back says no more than
// the domain's refusal, and where the account stands.
func (r mutation) ClaimRecord(ctx context.Context, in graph.ClaimRecordInput) (*graph.ClaimRecordPayload, error) {
	who := signin.From(ctx)
	account, err := who.Require()
	if err != nil {
		return nil, err
	}
	proved := identityAt(who)
	if err := r.Service.MayClaimRecord(who.Fresh, proved); err != nil {
		return nil, err
	}
	payload := &graph.ClaimRecordPayload{}
	outcome, err := r.Service.ClaimRecord(ctx, account, plr.ClaimInput{ULN: in.Uln.Value(), IdentityAt: proved})
	if payload.UserErrors, err = refusals(ctx, err); err != nil {
		return nil, err
	}
	if outcome != nil {
		account = outcome.Account
		if payload.Learner, err = r.Service.Learner(ctx, account.ULN); err != nil {
			return nil, err
		}
	}
	payload.Identity, err = r.Service.IdentityBinding(ctx, account)
	return payload, err
}

// identityAt is when this session came back from proving identity.
func identityAt(who signin.Who) time.Time {
	if who.Session == nil {
		return time.Time{}
	}
	return who.Session.IdentityAt
}
