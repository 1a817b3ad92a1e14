package resolvers

import (
	"context"

	"openplr/graph"
	"openplr/plr"
)

// RedeemShareLink works for anyone: the session, if there is one, is not looked at.
func (r mutation) RedeemShareLink(ctx context.Context, in graph.RedeemShareLinkInput) (*graph.RedeemShareLinkPayload, error) {
	outcome, err := r.Service.Redeem(ctx, plr.RedeemInput{
		Secret: plr.SecretIn(value(in.Key.Token.Value())), PIN: value(in.Pin.Value()), Recipient: *in.Recipient, Purpose: in.Purpose,
		TermsAccepted: in.TermsAccepted, RedemptionID: value(in.RedemptionID.Value()), Channel: plr.ChannelAPI,
	})
	userErrors, fault := refusals(ctx, err)
	if fault != nil {
		return nil, fault
	}
	return &graph.RedeemShareLinkPayload{Outcome: outcome, UserErrors: userErrors}, nil
}

func (query) SharingTerms(ctx context.Context) (string, error) {
	return plr.SharingTerms.In(LanguageOf(ctx)), nil
}

func (pinRequired) Message(ctx context.Context, p *plr.PINRequired) (string, error) {
	return p.Message.In(LanguageOf(ctx)), nil
}

func (shareUnavailable) Message(ctx context.Context, u *plr.ShareUnavailable) (string, error) {
	return u.Message.In(LanguageOf(ctx)), nil
}

func (tryAgainLater) Message(ctx context.Context, t *plr.TryAgainLater) (string, error) {
	return t.Message.In(LanguageOf(ctx)), nil
}

func (tryAgainLater) RetryAfter(_ context.Context, t *plr.TryAgainLater) (int, error) {
	return int(t.RetryAfter.Seconds()), nil
}
