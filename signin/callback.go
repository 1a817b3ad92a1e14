package signin

import (
	"context"
	"crypto/subtle"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const (
	maxCallbackQuery = 8 << 10
	maxCode          = 4 << 10
	// callbackTime is shorter than the server waits for an answer to be written: five
	// slow calls to the provider must end on a page, not in a broken connection.
	callbackTime = 20 * time.Second
)

const (
	errCallbackForm    = why("the callback's parameters are not of its form")
	errOtherBrowser    = why("the transaction belongs to another browser")
	errOtherIssuer     = why("the answer names another issuer, or none although it must")
	errSealedVerifier  = why("the verifier cannot be opened")
	errExchange        = why("the provider refused the code")
	errTokenRequest    = why("the provider calls our token request invalid")
	errClientRefused   = why("the provider refused our client authentication")
	errProviderRefused = why("the provider ended the sign-in with an error")
)

// Callback serves GET /auth/callback, where the provider sends the browser back
// to. It ends in a new session, in a new token of the session that the trip was
// for, in a code for the app that waits, or on the problem page.
func (s *SignIn) Callback(w http.ResponseWriter, r *http.Request) {
	if !s.begin(w, r, http.MethodGet) {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), callbackTime)
	defer cancel()
	r = r.WithContext(ctx)
	answer, ok := parseAnswer(r.URL.RawQuery)
	if !ok {
		s.toEither(w, r, ProblemCallbackInvalid, errCallbackForm)
		return
	}
	t, code, err := s.accept(w, r, answer)
	if err != nil {
		s.toPage(w, r, code, err)
		return
	}
	arrival, code, err := s.finish(r, t, answer)
	switch {
	case err != nil && t.App != nil:
		s.refused(r.Context(), code, err, slog.String("app", t.App.Client))
		seeOther(w, s.appRefusal(t, code))
		return
	case err != nil:
		s.toPage(w, r, code, err)
		return
	}
	// The browser's secret stays for its hour or two: another tab may be on a trip of
	// its own, and proving an identity takes long. It opens nothing by itself.
	if arrival.session != nil {
		setSessionCookie(w, arrival.token)
		s.log.InfoContext(r.Context(), "signed in", "account", arrival.session.Account, "session", arrival.session.Handle, "purpose", arrival.purpose)
	}
	seeOther(w, arrival.returnTo)
}

// arrival is a trip that went well. session is nil when an app waits for its end.
type arrival struct {
	purpose  purpose
	token    string
	session  *session
	returnTo string
}

// accept gives the trip that the answer ends, if this browser began it. The
// Problem counts only with an error, here and below.
func (s *SignIn) accept(w http.ResponseWriter, r *http.Request, answer answer) (*transaction, Problem, error) {
	t, err := s.takeTransaction(r.Context(), answer.state)
	switch {
	case errors.Is(err, errStateUnknown):
		// The cookie stays: a made-up callback must not break a sign-in under way.
		return nil, ProblemStateUnknown, err
	case errors.Is(err, errStateUsed):
		return nil, ProblemStateUsed, err
	case err != nil:
		return nil, ProblemSessionStoreUnavailable, err
	}
	browser, duplicate := browserSecret(r)
	if duplicate {
		clearCookie(w, TransactionCookie)
		return nil, ProblemBrowserMismatch, errDuplicateCookie
	}
	if browser == "" || subtle.ConstantTimeCompare([]byte(hashOf(useBrowser, browser)), []byte(t.Browser)) != 1 {
		return nil, ProblemBrowserMismatch, errOtherBrowser
	}
	return t, "", nil
}

// finish does everything between the answer's arrival and the session.
func (s *SignIn) finish(r *http.Request, t *transaction, answer answer) (*arrival, Problem, error) {
	ctx := r.Context()
	m, err := s.provider.metadata(ctx)
	if err != nil {
		return nil, ProblemProviderUnavailable, err
	}
	// One issuer per transaction, and it must still be the one configured.
	if t.Issuer != s.config.Issuer || (answer.issuer != nil && *answer.issuer != t.Issuer) || (answer.issuer == nil && m.sendsIssuer) {
		return nil, ProblemIssuerMismatch, errOtherIssuer
	}
	if answer.fault != "" {
		code, err := s.refusedBy(ctx, t, answer.fault)
		return nil, code, err
	}

	verifier, err := s.sealer.open(t.Verifier, verifierContext(answer.state))
	if err != nil {
		return nil, ProblemStateUnknown, errSealedVerifier
	}
	idToken, accessToken, err := s.exchange(ctx, m, answer.code, verifier)
	if err != nil {
		return nil, ProblemTokenExchangeFailed, err
	}
	proof, err := s.checkIDToken(ctx, idToken, accessToken, t.Nonce, s.vtr(t.Purpose))
	switch {
	case errors.Is(err, errNoKeys):
		return nil, ProblemProviderUnavailable, err
	case errors.Is(err, errAssurance):
		return nil, ProblemAssuranceTooLow, err
	case err != nil:
		return nil, ProblemIDTokenInvalid, err
	}
	proof.freshAt = s.freshAt(t, proof)
	if t.Purpose != purposeSignIn {
		account, code, err := s.homecomer(ctx, t, proof)
		if err == nil && t.Purpose == purposeIdentity {
			code, err = s.proveIdentity(ctx, m, account, accessToken)
		}
		if err != nil {
			return nil, code, err
		}
		proof.identity = t.Purpose == purposeIdentity
	}
	switch {
	case t.App != nil:
		address, code, err := s.arriveApp(ctx, t, proof, idToken)
		return &arrival{purpose: t.Purpose, returnTo: address}, code, err
	case t.Purpose == purposeSignIn, t.Session == "":
		return s.arrive(ctx, t, proof, idToken, replacedBy(r, t))
	default:
		return s.renew(ctx, t, proof, idToken)
	}
}

// arrive ends a sign-in trip: the person has an account and a new session.
func (s *SignIn) arrive(ctx context.Context, t *transaction, proof *proof, idToken string, replaced []string) (*arrival, Problem, error) {
	account, err := s.config.Accounts.SignedIn(ctx, s.config.Issuer, proof.subject)
	if err != nil {
		return nil, ProblemAccountStoreUnavailable, err
	}
	token, started, err := s.startSession(ctx, account, proof, idToken, replaced)
	if err != nil {
		return nil, startProblem(err), err
	}
	return &arrival{purpose: t.Purpose, token: token, session: started, returnTo: s.destination(t)}, "", nil
}

// renew ends a step-up or identity trip of a web session.
func (s *SignIn) renew(ctx context.Context, t *transaction, p *proof, idToken string) (*arrival, Problem, error) {
	token, renewed, err := s.renewSession(ctx, t.Session, idToken, p)
	switch {
	case err != nil && ended(err):
		return nil, ProblemSessionExpired, err
	case err != nil:
		return nil, storeProblem(err), err
	}
	return &arrival{purpose: t.Purpose, token: token, session: renewed, returnTo: s.destination(t)}, "", nil
}

// destination was checked when it was stored, and is again now: Redis is not the
// place from which to believe where a freshly signed-in person may be sent.
func (s *SignIn) destination(t *transaction) string {
	if returnTo, ok := s.safeReturnTo(t.ReturnTo); ok {
		return returnTo
	}
	return "/"
}

// replacedBy names the sessions that the browser had: as it left and, when the
// provider is on our own site and the strict cookie came along, as it returns.
func replacedBy(r *http.Request, t *transaction) []string {
	var hashes []string
	if t.Session != "" {
		hashes = append(hashes, t.Session)
	}
	if tokens := cookieValues(r, SessionCookie); len(tokens) == 1 && isSessionToken(tokens[0]) {
		hashes = append(hashes, hashOf(useWebSession, tokens[0]))
	}
	return hashes
}

// exchange trades the code for the tokens, once: a code is never sent twice.
func (s *SignIn) exchange(ctx context.Context, m *metadata, code, verifier string) (idToken, accessToken string, err error) {
	assertion, err := s.assertions.assertion()
	if err != nil {
		return "", "", err
	}
	tokens, err := s.oauth(m).Exchange(oidc.ClientContext(ctx, s.client), code,
		oauth2.VerifierOption(verifier),
		oauth2.SetAuthURLParam("client_assertion_type", assertionType),
		oauth2.SetAuthURLParam("client_assertion", assertion))
	var refusal *oauth2.RetrieveError
	switch {
	case errors.As(err, &refusal) && (refusal.ErrorCode == "invalid_client" || refusal.ErrorCode == "unauthorized_client"):
		return "", "", errClientRefused
	case errors.As(err, &refusal) && (refusal.ErrorCode == "invalid_request" || refusal.ErrorCode == "unsupported_grant_type"):
		return "", "", errTokenRequest
	case errors.As(err, &refusal):
		return "", "", errExchange
	case err != nil:
		return "", "", err
	}
	idToken, _ = tokens.Extra("id_token").(string)
	return idToken, tokens.AccessToken, nil
}

// answer is the provider's answer as the browser brings it.
type answer struct {
	state string
	// code or fault, never both. fault is the provider's word: compared, never shown.
	code, fault string
	issuer      *string
}

// parseAnswer accepts exactly the form of an answer: every parameter at most
// once, a state as we make them, and either a code or an error.
func parseAnswer(rawQuery string) (answer, bool) {
	var a answer
	if len(rawQuery) > maxCallbackQuery {
		return a, false
	}
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return a, false
	}
	for _, name := range []string{"state", "code", "error", "iss"} {
		if len(query[name]) > 1 {
			return a, false
		}
	}
	a.state, a.code, a.fault = query.Get("state"), query.Get("code"), query.Get("error")
	if query.Has("iss") {
		issuer := query.Get("iss")
		a.issuer = &issuer
	}
	return a, isSecret(a.state) && (a.code == "") != (a.fault == "") && len(a.code) <= maxCode
}
