package signin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"openplr/plr"
)

const (
	maxBackchannelBody = 8 << 10
	maxLogoutTokenLife = 10 * time.Minute
	// maxTokenID bounds jti, which has no limit of its own.
	maxTokenID = 255

	logoutEvent = "http://schemas.openid.net/event/backchannel-logout"
	logoutType  = "logout+jwt"
)

// auditLogoutToken stands in the log only: the answer has a form of its own.
const auditLogoutToken Problem = "logout_token_invalid" //nolint:gosec // a code, no credential

const (
	errNotForm          = why("the body is not announced as a form")
	errLogoutForm       = why("the body is no form with one logout token")
	errLogoutType       = why("the token's type is not that of a logout token")
	errLogoutClaims     = why("the logout token's claims are of no known form")
	errLogoutIssuer     = why("the logout token is of another issuer")
	errLogoutAudience   = why("the logout token is for another party")
	errLogoutTimes      = why("the logout token's times are missing or out of bounds")
	errLogoutTokenID    = why("the logout token has no id, or one too long")
	errLogoutEvent      = why("the logout token does not speak of a sign-out")
	errLogoutNonce      = why("the logout token has a nonce, as only ID tokens have")
	errLogoutSubjectNot = why("the logout token names no subject")
)

// signOut is what a logout token says.
type signOut struct {
	tokenID, subject string
	at, expires      time.Time // by the provider's clock
}

// BackchannelLogout serves POST /auth/backchannel-logout, by which the provider
// says that a person has signed out there. Every session of theirs that rests on
// a proof until then is dead before the answer: exactly 200 with no body, also
// for somebody unknown here and for a repetition. 503 asks to repeat it, 400 says
// that the token is none.
//
// The revocation comes first and the token's id is remembered after it: the other
// way round, a failure between the two would lose a sign-out.
func (s *SignIn) BackchannelLogout(w http.ResponseWriter, r *http.Request) {
	if !s.begin(w, r, http.MethodPost) {
		return
	}
	raw, code, err := readBackchannel(w, r)
	if err != nil && code != auditLogoutToken {
		s.toProgram(w, r, code, err)
		return
	}
	var out *signOut
	if err == nil {
		out, err = s.checkLogoutToken(r.Context(), raw)
	}
	switch {
	case errors.Is(err, errNoKeys):
		s.toProgram(w, r, ProblemProviderUnavailable, err)
		return
	case err != nil:
		s.refused(r.Context(), auditLogoutToken, err)
		writeJSON(w, http.StatusBadRequest, "application/json", struct {
			Error string `json:"error"`
		}{"invalid_request"})
		return
	}
	// A provider that hangs up has said it all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), logoutTimeout)
	defer cancel()
	account, err := s.providerLogout(ctx, out.subject, out.at)
	if err != nil {
		s.toProgram(w, r, storeProblem(err), err)
		return
	}
	fresh, err := s.rememberLogout(ctx, out)
	if err != nil {
		s.toProgram(w, r, ProblemSessionStoreUnavailable, err)
		return
	}
	if fresh {
		s.log.InfoContext(ctx, "signed out", "account", account, "by", "provider")
	}
	w.WriteHeader(http.StatusOK)
}

// readBackchannel gives the logout token of the form in the body; what stands in
// the address does not count.
func readBackchannel(w http.ResponseWriter, r *http.Request) (token string, code Problem, err error) {
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != "application/x-www-form-urlencoded" {
		return "", ProblemUnsupportedMediaType, errNotForm
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBackchannelBody))
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		return "", ProblemBodyTooLarge, errBodySize
	case err != nil:
		return "", auditLogoutToken, errLogoutForm
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || len(form["logout_token"]) != 1 {
		return "", auditLogoutToken, errLogoutForm
	}
	return form.Get("logout_token"), "", nil
}

// checkLogoutToken accepts what the provider signs to say that somebody has
// signed out, under an algorithm of its own: One Login uses ES256 for these
// whatever a client's ID tokens are signed with. A session id ("sid") is never
// asked for: it names a journey, and the person must be signed out of all.
func (s *SignIn) checkLogoutToken(ctx context.Context, raw string) (*signOut, error) {
	parsed, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(s.config.LogoutTokenAlg)})
	if err != nil {
		return nil, errMalformedToken
	}
	typ, _ := parsed.Signatures[0].Protected.ExtraHeaders[jose.HeaderType].(string)
	if typ = strings.ToLower(typ); typ != logoutType && typ != "application/"+logoutType {
		return nil, errLogoutType
	}
	payload, err := s.keys.VerifySignature(ctx, raw)
	if err != nil {
		return nil, err
	}
	var c struct {
		Issuer          string                     `json:"iss"`
		Audience        jwt.Audience               `json:"aud"`
		AuthorizedParty *string                    `json:"azp"`
		Subject         string                     `json:"sub"`
		IssuedAt        *jwt.NumericDate           `json:"iat"`
		Expires         *jwt.NumericDate           `json:"exp"`
		ID              string                     `json:"jti"`
		Events          map[string]json.RawMessage `json:"events"`
		Nonce           json.RawMessage            `json:"nonce"`
	}
	if err := json.Unmarshal(payload, &c); err != nil {
		return nil, errLogoutClaims
	}
	issued, expires, inTime := s.logoutTimes(c.IssuedAt, c.Expires)
	switch {
	case c.Issuer != s.config.Issuer:
		return nil, errLogoutIssuer
	case !slices.Contains(c.Audience, s.config.ClientID),
		c.AuthorizedParty != nil && *c.AuthorizedParty != s.config.ClientID,
		c.AuthorizedParty == nil && len(c.Audience) > 1:
		return nil, errLogoutAudience
	case !inTime:
		return nil, errLogoutTimes
	case c.ID == "" || len(c.ID) > maxTokenID:
		return nil, errLogoutTokenID
	case !bytes.HasPrefix(bytes.TrimLeft(c.Events[logoutEvent], " \t\r\n"), []byte("{")):
		return nil, errLogoutEvent
	case c.Nonce != nil: // also null
		return nil, errLogoutNonce
	case !isSubject(c.Subject):
		return nil, errLogoutSubjectNot
	}
	return &signOut{tokenID: c.ID, subject: c.Subject, at: issued, expires: expires}, nil
}

// logoutTimes judges by our clock, with room for clocks that differ.
func (s *SignIn) logoutTimes(iat, exp *jwt.NumericDate) (issued, expires time.Time, ok bool) {
	if iat == nil || exp == nil || *iat <= 0 || *exp <= *iat || *exp >= 1<<40 {
		return issued, expires, false
	}
	issued, expires = iat.Time(), exp.Time()
	now := s.now()
	return issued, expires, !issued.After(now.Add(issuedAhead)) &&
		now.Before(expires.Add(expiryLeeway)) && expires.Sub(issued) <= maxLogoutTokenLife
}

// providerLogout signs a person out everywhere here who signed out at the
// provider at this time of the provider's clock: in Redis at once, for all
// replicas and for a sign-in under way, and durably. Repeating it is harmless: an
// older time changes nothing. It gives the account, empty for somebody unknown.
//
// Nothing is deleted. A session lives only while its proof is later than this
// time, so one that begins afterwards is out of its reach.
func (s *SignIn) providerLogout(ctx context.Context, subject string, at time.Time) (string, error) {
	redisErr := s.raiseProviderLogout(ctx, subject, at)
	// Also while Redis is away: whatever it remembers later, the durable word holds.
	account, err := s.config.Accounts.AccountOfSubject(ctx, s.config.Issuer, subject)
	switch {
	case err != nil && plr.CodeOf(err) == plr.CodeNotFound:
		return "", redisErr
	case err != nil:
		return "", errors.Join(redisErr, accountFault{err})
	}
	if err := s.config.Accounts.ProviderLogout(ctx, account.ID, at); err != nil {
		return "", errors.Join(redisErr, accountFault{err})
	}
	s.accounts.forget(account.ID)
	return account.ID, redisErr
}

func (s *SignIn) raiseProviderLogout(ctx context.Context, subject string, at time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	key := providerLogoutKey(subjectHash(s.config.Issuer, subject))
	return providerLogoutScript.Run(ctx, s.redis, []string{key}, at.UnixMilli(), epochLife.Milliseconds()).Err()
}

// rememberLogout says whether the token is seen for the first time. Repetitions
// have no further effect; this keeps them from looking like further sign-outs.
func (s *SignIn) rememberLogout(ctx context.Context, out *signOut) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	life := max(out.expires.Sub(s.now()), 3*time.Minute) + time.Minute
	return s.redis.SetNX(ctx, "lr:jti:{"+hashOf(useLogoutID, s.config.Issuer+"|"+out.tokenID)+"}", "1", life).Result()
}
