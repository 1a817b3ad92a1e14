package signin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"openplr/plr"
)

// identityReturn is where somebody goes on who proved who they are later, for
// example in a post office: they sign in and are led to where the trip begins.
const (
	identityReturn   = "/auth/login?return_to=%2Fidentity%2Fcontinue"
	identityContinue = "/identity/continue"
)

const errNoIdentity = why("this provider proves no identity")

// ProvesIdentity says whether the provider can prove who people are.
func (s *SignIn) ProvesIdentity() bool { return s.config.Identity.VTR != "" }

// IdentityStart serves GET /auth/identity/start: it sends a person who is signed
// in to the provider to prove who they are.
//
//	return_to, ui_locales  as for Login
//	renew=true             also when the account is bound already
func (s *SignIn) IdentityStart(w http.ResponseWriter, r *http.Request) {
	if !s.begin(w, r, http.MethodGet) || s.startedElsewhere(w, r) {
		return
	}
	query, returnTo, ok := s.wish(w, r)
	if !ok {
		return
	}
	if !s.ProvesIdentity() {
		s.toEither(w, r, ProblemIdentityUnavailable, errNoIdentity)
		return
	}
	who, ok := s.traveller(w, r)
	if !ok {
		return
	}
	if code, err := s.mayProveIdentity(r.Context(), who.account.ID, query.Get("renew") == "true"); err != nil {
		s.toEither(w, r, code, err)
		return
	}
	s.depart(w, r, &transaction{
		Purpose: purposeIdentity, ReturnTo: returnTo, Session: who.hash, Account: who.account.ID,
		Handle: who.session.Handle, Began: who.session.CreatedAt, AuthTime: who.session.AuthTime,
	}, departure{locale: query.Get("ui_locales")})
}

// IdentityReturn serves GET /auth/identity/return, the landing page that One Login
// knows us by. From a page of another site, the provider's too, signing in does not
// begin by itself: then the person does it where they would have been led.
func (s *SignIn) IdentityReturn(w http.ResponseWriter, r *http.Request) {
	if !s.begin(w, r, http.MethodGet, http.MethodHead) {
		return
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "cross-site", "same-site":
		seeOther(w, identityContinue)
	default:
		seeOther(w, identityReturn)
	}
}

// mayProveIdentity says whether an identity trip makes sense. The Problem counts
// only with an error.
func (s *SignIn) mayProveIdentity(ctx context.Context, account string, renew bool) (Problem, error) {
	err := s.config.Accounts.MayProveIdentity(ctx, account, renew)
	switch {
	case err == nil:
		return "", nil
	case plr.CodeOf(err) == plr.CodeAlreadyDone:
		return ProblemAlreadyBound, err
	case plr.CodeOf(err) == plr.CodeLimitReached:
		return ProblemBindingLocked, err
	default:
		return ProblemAccountStoreUnavailable, err
	}
}

// proveIdentity ends an identity trip of the account: what the provider vouches
// for is kept. The Problem counts only with an error.
func (s *SignIn) proveIdentity(ctx context.Context, m *metadata, account *plr.Account, accessToken string) (Problem, error) {
	info, err := s.userInfo(ctx, m, accessToken, account.Subject)
	switch {
	case errors.Is(err, errUserInfoSubject):
		return ProblemIdentityInvalid, err
	case err != nil:
		return ProblemTokenExchangeFailed, err
	case info.CoreIdentity == "":
		return ProblemIdentityNotProved, errNoCoreIdentity
	}
	core, err := s.checkCoreIdentity(ctx, info.CoreIdentity, account.Subject)
	switch {
	case errors.Is(err, errNoKeys):
		return ProblemProviderUnavailable, err
	case err != nil:
		return ProblemIdentityInvalid, err
	}
	identity, err := verifiedIdentity(core, info.Addresses, s.now())
	if err != nil {
		return ProblemIdentityInvalid, err
	}
	if err := s.config.Accounts.ProveIdentity(ctx, account.ID, identity); err != nil {
		return ProblemAccountStoreUnavailable, err
	}
	s.accounts.forget(account.ID) // proving again may have changed what it is bound to
	return "", nil
}

func (c *Config) identityFaults() []error {
	var faults []error
	bad := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	i := c.Identity
	if i == (IdentityConfig{}) {
		return nil
	}
	if i.VTR == "" || i.Issuer == "" || i.DID == "" || i.DIDURL == "" {
		bad("Identity needs VTR, Issuer, DID and DIDURL, or none of them")
		return faults
	}
	if i.Issuer == c.Issuer {
		bad("Identity.Issuer is the OpenID issuer")
	}
	if !strings.HasPrefix(i.DID, "did:web:") || strings.ContainsFunc(i.DID, func(r rune) bool { return r <= ' ' || r > '~' || r == '#' }) {
		bad("Identity.DID %q is not a did:web", i.DID)
	}
	if u, err := url.Parse(i.DIDURL); err != nil || u.Fragment != "" || !isSecureURL(u) {
		bad("Identity.DIDURL %q is not an https URL (http on loopback only)", i.DIDURL)
	}
	return faults
}
