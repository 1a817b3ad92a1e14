package signin

import (
	"context"
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	maxAppForm     = 8 << 10
	maxDeviceLabel = 64 // characters
	// grantTimeout bounds the trade of a code, which has several steps.
	grantTimeout = 10 * time.Second
)

// The errors of RFC 6749, section 5.2, that we give. They stand in the audit line
// as its code, but where it can say more.
const (
	grantInvalidRequest Problem = "invalid_request"
	grantInvalidClient  Problem = "invalid_client"
	grantInvalid        Problem = "invalid_grant"
	grantUnsupported    Problem = "unsupported_grant_type"
	grantTryAgain       Problem = "temporarily_unavailable"
	grantServerError    Problem = "server_error"
	auditCodeReused     Problem = "app_code_reused"
	auditRefreshReused  Problem = "refresh_token_reused"
)

const (
	errAppForm      = why("the form is not of its form, or says something twice")
	errAppClient    = why("no such app")
	errAppMismatch  = why("the code was given for another app, address or verifier")
	errAppGrantType = why("no such grant")
	errAppVerifier  = why("the verifier is not of its form")
	errAppDevice    = why("the device's name is too long or has characters that do not show")
	errAppLock      = why("app_lock is neither true nor false")
	errAppToken     = why("the token is not of its form")
	errCodeSealed   = why("the code's ID token cannot be opened")
)

// grantFault is a refusal of an app's request.
type grantFault struct {
	code  Problem // as the app gets it
	audit Problem // as the log has it, when that is more
	cause error
	attrs []slog.Attr
}

func refuse(code Problem, cause error) *grantFault { return &grantFault{code: code, cause: cause} }

// AppToken serves POST /auth/app/token, where an app trades a code, and later its
// refresh token, for tokens (RFC 6749, with PKCE). Apps keep no secret: nothing
// but the form counts, neither cookies nor an Authorization header.
func (s *SignIn) AppToken(w http.ResponseWriter, r *http.Request) {
	if !s.begin(w, r, http.MethodPost) {
		return
	}
	answer, fault := s.grant(w, r)
	if fault != nil {
		s.toApp(w, r, fault)
		return
	}
	w.Header().Set("Pragma", "no-cache")
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(answer)) //nolint:gosec // JSON, said so, of our own making; an app that has gone asks again
}

func (s *SignIn) grant(w http.ResponseWriter, r *http.Request) (answer string, fault *grantFault) {
	form, ok := readAppForm(w, r)
	if !ok {
		return "", refuse(grantInvalidRequest, errAppForm)
	}
	client := s.appClient(form.Get("client_id"))
	if client == nil {
		return "", refuse(grantInvalidClient, errAppClient)
	}
	switch form.Get("grant_type") {
	case "authorization_code":
		return s.tradeCode(r.Context(), client, form)
	case "refresh_token":
		return s.refresh(r.Context(), client, form.Get("refresh_token"))
	default:
		return "", refuse(grantUnsupported, errAppGrantType)
	}
}

// readAppForm gives the form of the body. Nothing may stand in it twice: two
// readers of one request shall not see two requests.
func readAppForm(w http.ResponseWriter, r *http.Request) (url.Values, bool) {
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != "application/x-www-form-urlencoded" {
		return nil, false
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxAppForm)
	if err := r.ParseForm(); err != nil {
		return nil, false
	}
	for _, values := range r.PostForm {
		if len(values) != 1 {
			return nil, false
		}
	}
	return r.PostForm, true
}

// toApp answers an app's request with what went wrong.
func (s *SignIn) toApp(w http.ResponseWriter, r *http.Request, fault *grantFault) {
	audit, status := fault.audit, http.StatusBadRequest
	if audit == "" {
		audit = fault.code
	}
	switch fault.code {
	case grantInvalidClient:
		status = http.StatusUnauthorized
	case grantTryAgain:
		status = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", "5")
	case grantServerError:
		status = http.StatusInternalServerError
	}
	ref := s.refused(r.Context(), audit, fault.cause, fault.attrs...)
	w.Header().Set("Pragma", "no-cache")
	writeJSON(w, status, "application/json", struct {
		Error Problem `json:"error"`
		Ref   string  `json:"ref"`
	}{fault.code, ref})
}

// storeFault is the refusal for an error of the session's life: it is over, or
// cannot be judged now.
func storeFault(err error, f *family) *grantFault {
	fault := &grantFault{code: grantInvalid, cause: err}
	if !ended(err) {
		fault.code, fault.audit = grantTryAgain, storeProblem(err)
	}
	if f != nil {
		fault.attrs = []slog.Attr{slog.String("account", f.Account), slog.String("session", f.Handle)}
	}
	return fault
}

var codeVerifier = regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`)

// tradeCode gives an app tokens for a code: those of a new session or, after a
// step-up or identity trip, new ones for the session it was made for. The code is
// spent whatever comes of it.
func (s *SignIn) tradeCode(ctx context.Context, client *AppClient, form url.Values) (answer string, fault *grantFault) {
	code, verifier, device := form.Get("code"), form.Get("code_verifier"), strings.TrimSpace(form.Get("device_label"))
	lock := form.Get("app_lock")
	switch {
	case code == "" || len(form.Get("redirect_uri")) == 0:
		return "", refuse(grantInvalidRequest, errAppForm)
	case !codeVerifier.MatchString(verifier):
		return "", refuse(grantInvalidRequest, errAppVerifier)
	case !isDeviceLabel(device):
		return "", refuse(grantInvalidRequest, errAppDevice)
	case lock != "" && lock != "true" && lock != "false":
		return "", refuse(grantInvalidRequest, errAppLock)
	case !isSecret(code):
		return "", refuse(grantInvalid, errCodeUnknown)
	}
	locator, err := newLocator(s.random)
	if err != nil {
		return "", refuse(grantServerError, err)
	}
	hash := hashOf(useAppCode, code)
	// From here on the app must not be able to go away half-way.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grantTimeout)
	defer cancel()
	c, came, err := s.takeCode(ctx, hash, familyHash(locator))
	switch {
	case errors.Is(err, errCodeUsed):
		return "", s.codeReused(ctx, c, hash, came)
	case err != nil:
		return "", storeFault(err, nil)
	case c.Client != client.ID || c.Redirect != form.Get("redirect_uri") || !sameHash(c.Challenge, challengeOf(verifier)):
		return "", refuse(grantInvalid, errAppMismatch)
	}
	hint, err := s.sealer.open(c.Hint, codeHintContext(hash))
	if err != nil {
		return "", refuse(grantInvalid, errCodeSealed)
	}
	var f *family
	if c.Family == "" {
		f, answer, err = s.startFamily(ctx, c, hint, locator, device, lock == "true")
	} else {
		f, answer, err = s.renewFamily(ctx, c, hash, hint)
	}
	if err != nil {
		return "", storeFault(err, f)
	}
	// Whoever presented the code meanwhile found no session to end, or one that
	// has been renewed since.
	switch once, err := s.codeUsedOnce(ctx, hash); {
	case err != nil:
		// Nobody gets the tokens: no session shall stand on the person's list for them.
		_, _ = s.endFamily(ctx, came)
		return "", storeFault(err, f)
	case !once:
		return "", s.codeReused(ctx, c, hash, came)
	}
	s.log.InfoContext(ctx, "signed in", "account", f.Account, "session", f.Handle, "app", f.Client, "renewed", c.Family != "")
	return answer, nil
}

// codeReused ends the session that came of a code that was presented twice: one
// of the two who had it is not the app. A session that was there before ends only
// when it got its tokens by this code: whoever caught the code, and could not
// trade it, must not sign the app out.
func (s *SignIn) codeReused(ctx context.Context, c *appCode, hash, family string) *grantFault {
	fault := &grantFault{code: grantInvalid, audit: auditCodeReused, cause: errCodeUsed}
	if c.Family != "" {
		switch f, _, err := s.readFamily(ctx, family); {
		case err != nil && !ended(err):
			return storeFault(err, nil)
		case err == nil && f.Code != hash:
			return fault
		}
	}
	gone, err := s.endFamily(ctx, family)
	if err != nil {
		return storeFault(err, nil)
	}
	if gone != nil {
		fault.attrs = []slog.Attr{slog.String("account", gone.Account), slog.String("session", gone.Handle)}
	}
	return fault
}

// isDeviceLabel: people see it in the list of their sessions, so it must look like
// what it is. Control characters and those that turn the direction of text are
// not printable.
func isDeviceLabel(s string) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= maxDeviceLabel &&
		!strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}
