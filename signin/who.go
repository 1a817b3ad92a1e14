package signin

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"openplr/plr"
)

// State is what is known about who is asking.
type State int

const (
	// StateNone: no credential was presented. Also the zero value, so that a room
	// that forgot the middleware finds nobody signed in.
	StateNone State = iota
	// StateExpired: a credential was presented that opens no living session.
	StateExpired
	// StateSignedIn: Who.Account and Who.Session are set.
	StateSignedIn
	// StateUnavailable: a credential was presented and cannot be judged now.
	StateUnavailable
)

func (s State) String() string {
	switch s {
	case StateExpired:
		return "expired"
	case StateSignedIn:
		return "signed in"
	case StateUnavailable:
		return "unavailable"
	default:
		return "none"
	}
}

// Who says who is asking.
type Who struct {
	State State
	// Account and Session are set when State is StateSignedIn, and belong to the
	// caller. Account is at most one second old.
	Account *plr.Account
	Session *SessionInfo
	// Roles are what the person may do as staff; none for learners.
	Roles []plr.Role
	// Fresh: the person signed in within the last minutes, in this session.
	Fresh bool

	cause error // why the state is StateUnavailable; for errors.Is and the log
}

// SessionInfo is a session as its owner may see it.
type SessionInfo struct {
	// ID names the session and opens nothing.
	ID                string
	Kind              Kind
	CreatedAt         time.Time
	IdleExpiresAt     time.Time
	AbsoluteExpiresAt time.Time
	LastSeenAt        time.Time
	// AuthTime is when the person last proved themselves, by the provider's clock.
	AuthTime time.Time
	// StepUpUntil is until when the person counts as having just signed in; zero
	// when they do not.
	StepUpUntil time.Time
	// IdentityAt is when this session last came back from proving identity; zero
	// when it did not.
	IdentityAt time.Time
	// DeviceLabel is what an app calls its device; empty for browsers.
	DeviceLabel string
	// Current: this is the session of the request.
	Current bool
}

// stepUpLife is how long a fresh sign-in counts as fresh.
const stepUpLife = 5 * time.Minute

// retryAfter is a guess at when a store that is away is back.
const retryAfter = 5 * time.Second

// Require gives the account of whoever is signed in, or the plr.Error that says
// why nobody is: CodeUnauthenticated, CodeSessionExpired or CodeUnavailable.
func (w Who) Require() (*plr.Account, error) {
	switch {
	case w.State == StateSignedIn && w.Account != nil:
		return w.Account, nil
	case w.State == StateExpired:
		return nil, &plr.Error{Code: plr.CodeSessionExpired, Text: plr.T(
			"Your session has ended. Sign in again.",
			"Mae eich sesiwn wedi dod i ben. Mewngofnodwch eto.")}
	case w.State == StateUnavailable:
		return nil, plr.Unavailable(w.cause, retryAfter)
	default:
		return nil, &plr.Error{Code: plr.CodeUnauthenticated, Text: plr.T(
			"You need to sign in first.",
			"Mae angen i chi fewngofnodi yn gyntaf.")}
	}
}

// RequireFresh is Require for what needs a fresh sign-in besides:
// CodeStepUpRequired when the last one is too long ago.
func (w Who) RequireFresh(action plr.StepUpAction) (*plr.Account, error) {
	account, err := w.Require()
	if err == nil && !w.Fresh {
		err = plr.StepUpRequired(action)
	}
	if err != nil {
		return nil, err
	}
	return account, nil
}

// RequireRole is Require for staff: CodeForbidden for anybody without the role.
func (w Who) RequireRole(role plr.Role) (*plr.Account, error) {
	account, err := w.Require()
	if err == nil && !slices.Contains(w.Roles, role) {
		err = plr.Forbidden()
	}
	if err != nil {
		return nil, err
	}
	return account, nil
}

type whoKey struct{}

// From gives who is asking, as Identify found out.
func From(ctx context.Context) Who {
	who, _ := ctx.Value(whoKey{}).(Who)
	return who
}

// Identify finds out who is asking and puts it into the context for From. It lets
// everybody through; rooms decide with Require. Being seen here extends a
// session's idle limit, except on /auth/, whose requests are no sign of a person.
//
// A request with both a session cookie and a bearer token is refused with 400: no
// two parts of the program shall disagree about who asked.
func (s *SignIn) Identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		touch := !strings.HasPrefix(r.URL.Path, "/auth/")
		who, err := s.identify(w, r, touch)
		if err != nil {
			w.Header().Set("Cache-Control", "no-store")
			s.toProgram(w, r, ProblemAmbiguousCredentials, err)
			return
		}
		if who.State == StateUnavailable && r.Context().Err() == nil {
			s.refused(r.Context(), storeProblem(who.cause), who.cause)
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), whoKey{}, who)))
	})
}

const (
	errAmbiguous       = why("a session cookie and a bearer token in one request")
	errDuplicateCookie = why("several cookies of one name")
)

// identify judges the one credential of a request. Its only error is errAmbiguous.
func (s *SignIn) identify(w http.ResponseWriter, r *http.Request, touch bool) (Who, error) {
	tokens := cookieValues(r, SessionCookie)
	bearer, presented := bearerToken(r)
	var e *session
	var account *plr.Account
	var err error
	switch {
	case presented && len(tokens) > 0:
		return Who{}, errAmbiguous
	case presented && !isAccessToken(bearer):
		return Who{State: StateExpired}, nil
	case presented:
		e, account, err = s.liveApp(r.Context(), bearer, touch)
	case len(tokens) == 0:
		return Who{State: StateNone}, nil
	case len(tokens) > 1:
		s.refused(r.Context(), auditDuplicateCookie, errDuplicateCookie)
		clearCookie(w, SessionCookie)
		return Who{State: StateExpired}, nil
	case !isSessionToken(tokens[0]):
		return Who{State: StateExpired}, nil
	default:
		e, account, err = s.liveSession(r.Context(), tokens[0], touch)
	}
	switch {
	case err == nil:
		info := s.info(e)
		info.Current = true
		return Who{
			State: StateSignedIn, Account: account, Session: info, Roles: s.rolesLeft(account, e.Roles),
			Fresh: !info.StepUpUntil.IsZero(),
		}, nil
	case ended(err):
		s.log.DebugContext(r.Context(), "session over", "why", reason(err))
		return Who{State: StateExpired}, nil
	default:
		return Who{State: StateUnavailable, cause: err}, nil
	}
}

func hasBearer(r *http.Request) bool {
	_, presented := bearerToken(r)
	return presented
}

// bearerToken gives the token of the Authorization header and whether one was
// presented. Of several headers none is trusted: the token is empty then, and
// opens nothing.
func bearerToken(r *http.Request) (token string, presented bool) {
	values := r.Header.Values("Authorization")
	for _, value := range values {
		scheme, rest, _ := strings.Cut(strings.TrimLeft(value, " \t"), " ")
		if strings.EqualFold(scheme, "Bearer") {
			presented = true
			token = strings.Trim(rest, " \t")
		}
	}
	if len(values) > 1 {
		token = ""
	}
	return token, presented
}

func (s *SignIn) info(e *session) *SessionInfo {
	info := &SessionInfo{
		ID: e.Handle, Kind: e.Kind, DeviceLabel: e.Device,
		CreatedAt:         time.UnixMilli(e.CreatedAt).UTC(),
		IdleExpiresAt:     s.idleEnd(e).UTC(),
		AbsoluteExpiresAt: time.UnixMilli(e.AbsoluteAt).UTC(),
		LastSeenAt:        time.UnixMilli(e.LastSeen).UTC(),
		AuthTime:          time.UnixMilli(e.AuthTime).UTC(),
	}
	if until := time.UnixMilli(e.StepUpAt).Add(stepUpLife); e.StepUpAt > 0 && s.now().Before(until) {
		info.StepUpUntil = until.UTC()
	}
	if e.IdentityAt > 0 {
		info.IdentityAt = time.UnixMilli(e.IdentityAt).UTC()
	}
	return info
}
