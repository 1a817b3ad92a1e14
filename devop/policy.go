package devop

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"

	"github.com/luikyv/go-oidc/pkg/goidc"
)

// What a sign-in remembers while its page is open.
const keyAsked = "asked" // asked

// errorButtons are the ends of a trip that an app must be able to take.
var errorButtons = []goidc.ErrorCode{
	"temporarily_unavailable", goidc.ErrorCodeUnauthorizedClient, goidc.ErrorCodeLoginRequired,
	"server_error", goidc.ErrorCodeInvalidRequest,
}

// policy is how a trip to /authorize is answered. No login is remembered between
// trips: every trip asks again, so prompt=login and max_age are always met and
// auth_time is always now. A developer wants to choose anew each time.
func (p *provider) authnPolicy() goidc.AuthnPolicy {
	return goidc.NewPolicy("devop",
		func(r *http.Request, as *goidc.AuthnSession, _ *goidc.Client) bool {
			as.Store[keyAsked] = askedFrom(r.Context())
			return true
		},
		func(w http.ResponseWriter, r *http.Request, as *goidc.AuthnSession, _ *goidc.Client) (goidc.Status, error) {
			if r.PathValue("callback") == "" {
				return p.begin(w, as)
			}
			return p.resume(w, r, as)
		})
}

// begin answers the app's request: refuse it, sign in at once, or show the page.
func (p *provider) begin(w http.ResponseWriter, as *goidc.AuthnSession) (goidc.Status, error) {
	if err := checkRequest(as); err != nil {
		return goidc.StatusFailure, err
	}
	if askedIn(as.Store).auto {
		if !p.loopback {
			return goidc.StatusFailure, invalidRequest("dev_auto is only for an issuer on a loopback address")
		}
		return p.complete(as, as.LoginHint, "login_hint names nobody on the list")
	}
	if slices.Contains(strings.Fields(string(as.Prompt)), string(goidc.PromptTypeNone)) {
		return goidc.StatusFailure, goidc.NewError(goidc.ErrorCodeLoginRequired, "this provider remembers no login")
	}
	p.signIn(w, as, http.StatusOK, nil)
	return goidc.StatusPending, nil
}

// resume answers the page's form; a reload of the page comes here as a GET.
func (p *provider) resume(w http.ResponseWriter, r *http.Request, as *goidc.AuthnSession) (goidc.Status, error) {
	if r.Method != http.MethodPost {
		p.signIn(w, as, http.StatusOK, nil)
		return goidc.StatusPending, nil
	}
	if r.PostFormValue("action") == "cancel" {
		return goidc.StatusFailure, goidc.NewError(goidc.ErrorCodeAccessDenied, "the person cancelled")
	}
	if code := goidc.ErrorCode(r.PostFormValue("error")); slices.Contains(errorButtons, code) {
		return goidc.StatusFailure, goidc.NewError(code, "chosen on the page")
	}
	subject := r.PostFormValue("subject")
	if _, ok := p.person(subject); !ok {
		p.signIn(w, as, http.StatusBadRequest, func(t texts) string { return t.Choose })
		return goidc.StatusPending, nil
	}
	return p.complete(as, subject, "")
}

// complete signs the person in. An id_token_hint asks for one person in
// particular; anybody else is answered as One Login does after a failed
// re-authentication.
func (p *provider) complete(as *goidc.AuthnSession, subject, unknown string) (goidc.Status, error) {
	person, ok := p.person(subject)
	if !ok {
		return goidc.StatusFailure, invalidRequest(unknown)
	}
	asked := askedIn(as.Store)
	if asked.hint != "" && asked.hint != person.Subject {
		return goidc.StatusFailure, goidc.NewError(goidc.ErrorCodeLoginRequired, "not the person of the id_token_hint")
	}
	if asked.level.identity && len(person.identityFaults()) > 0 && !slices.Contains(asked.claims, claimReturnCode) {
		return goidc.StatusFailure, goidc.NewError(goidc.ErrorCodeAccessDenied, "the identity was not proved")
	}
	as.Subject = person.Subject
	as.GrantedScopes = as.Scopes
	as.Store[keyAuthTime] = p.cfg.Now().Unix()
	as.Store[keySession] = rand.Text()
	return goidc.StatusSuccess, nil
}

// checkRequest asks for what the library leaves optional and One Login or the
// profile we follow (RFC 9700) does not.
func checkRequest(as *goidc.AuthnSession) error {
	switch fault := askedIn(as.Store).fault; {
	case fault != nil:
		return fault
	case as.State == "":
		return invalidRequest("state is required")
	case as.Nonce == "":
		return invalidRequest("nonce is required")
	case as.CodeChallengeMethod != goidc.CodeChallengeMethodSHA256:
		// The library takes a missing method for S256; RFC 7636 says "plain".
		return invalidRequest("code_challenge_method must be S256")
	case !isS256Challenge(as.CodeChallenge):
		return invalidRequest("code_challenge is not a SHA-256 in base64url")
	}
	return nil
}

func isS256Challenge(challenge string) bool {
	sum, err := base64.RawURLEncoding.Strict().DecodeString(challenge)
	return err == nil && len(sum) == 32
}

func (p *provider) person(subject string) (Person, bool) {
	i := slices.IndexFunc(p.cfg.People, func(person Person) bool { return person.Subject == subject })
	if i < 0 {
		return Person{}, false
	}
	return p.cfg.People[i], true
}
