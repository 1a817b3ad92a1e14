package resolvers

import (
	"context"

	"openplr/graph"
	"openplr/plr"
	"openplr/signin"
)

// Root is the entry of every resolver.
type Root struct {
	Service  *plr.Service
	Sessions Sessions
	// PublicURL is where people reach the service, without a trailing slash.
	PublicURL string
	// ProvesIdentity: the provider can prove who people are.
	ProvesIdentity bool
}

type (
	query             struct{ *Root }
	mutation          struct{ *Root }
	learner           struct{ *Root }
	configuredView    struct{ *Root }
	shareLink         struct{ *Root }
	qrCode            struct{ *Root }
	pinRequired       struct{ *Root }
	shareUnavailable  struct{ *Root }
	tryAgainLater     struct{ *Root }
	sharingPreference struct{ *Root }
	viewer            struct{ *Root }
	identityBinding   struct{ *Root }
	accountNotice     struct{ *Root }
	casework          struct{ *Root }
	reviewCase        struct{ *Root }
	reviewEvidence    struct{ *Root }
)

// Query and the methods below it hand gqlgen the resolvers of each type.
func (r *Root) Query() graph.QueryResolver                         { return query{r} }
func (r *Root) Mutation() graph.MutationResolver                   { return mutation{r} }
func (r *Root) Learner() graph.LearnerResolver                     { return learner{r} }
func (r *Root) ConfiguredView() graph.ConfiguredViewResolver       { return configuredView{r} }
func (r *Root) ShareLink() graph.ShareLinkResolver                 { return shareLink{r} }
func (r *Root) QrCode() graph.QrCodeResolver                       { return qrCode{r} }
func (r *Root) PinRequired() graph.PinRequiredResolver             { return pinRequired{r} }
func (r *Root) ShareUnavailable() graph.ShareUnavailableResolver   { return shareUnavailable{r} }
func (r *Root) TryAgainLater() graph.TryAgainLaterResolver         { return tryAgainLater{r} }
func (r *Root) SharingPreference() graph.SharingPreferenceResolver { return sharingPreference{r} }
func (r *Root) Viewer() graph.ViewerResolver                       { return viewer{r} }
func (r *Root) IdentityBinding() graph.IdentityBindingResolver     { return identityBinding{r} }
func (r *Root) AccountNotice() graph.AccountNoticeResolver         { return accountNotice{r} }
func (r *Root) Casework() graph.CaseworkResolver                   { return casework{r} }
func (r *Root) ReviewCase() graph.ReviewCaseResolver               { return reviewCase{r} }
func (r *Root) ReviewEvidence() graph.ReviewEvidenceResolver       { return reviewEvidence{r} }

var _ graph.ResolverRoot = (*Root)(nil)

// asking gives the number of the learner the session belongs to. The number
// is empty while the account is bound to no record.
func asking(ctx context.Context) (plr.ULN, error) {
	account, err := signin.From(ctx).Require()
	if err != nil {
		return "", err
	}
	return account.ULN, nil
}

type languageKey struct{}

// WithLanguage says in which language messages are wanted.
func WithLanguage(ctx context.Context, l plr.Language) context.Context {
	return context.WithValue(ctx, languageKey{}, l)
}

// LanguageOf gives the language messages are wanted in; English by default.
func LanguageOf(ctx context.Context) plr.Language {
	if l, ok := ctx.Value(languageKey{}).(plr.Language); ok {
		return l
	}
	return plr.LanguageEnglish
}

// refusals turns the refusals in err into user errors. Anything else stays an
// error and is answered at the top level.
func refusals(ctx context.Context, err error) ([]*graph.UserError, error) {
	list := []*graph.UserError{}
	if err == nil {
		return list, nil
	}
	found := plr.Refusals(err)
	if found == nil {
		return nil, err
	}
	for _, e := range found {
		list = append(list, &graph.UserError{Code: e.Code, Message: e.Text.In(LanguageOf(ctx)), Path: e.Path})
	}
	return list, nil
}

// mutate runs a learner's change and splits its outcome into object and user errors.
func mutate[E any](ctx context.Context, change func(plr.ULN) (E, error)) (E, []*graph.UserError, error) {
	var none E
	uln, err := asking(ctx)
	if err != nil {
		return none, nil, err
	}
	if uln == "" {
		return none, nil, plr.IdentityRequired()
	}
	object, err := change(uln)
	userErrors, fault := refusals(ctx, err)
	if err != nil {
		return none, userErrors, fault
	}
	return object, userErrors, nil
}

func pageInfo[E any](p *plr.Page[E]) *graph.PageInfo {
	info := &graph.PageInfo{HasNextPage: p.HasNext, HasPreviousPage: p.HasPrevious}
	if n := len(p.Cursors); n > 0 {
		info.StartCursor, info.EndCursor = &p.Cursors[0], &p.Cursors[n-1]
	}
	return info
}

// orNull gives null for a value the domain leaves empty.
func orNull[E comparable](v E) *E {
	var none E
	if v == none {
		return nil
	}
	return &v
}
