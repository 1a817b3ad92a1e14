package signin

import (
	"net/http"
	"time"
)

// sessionStatus is the answer of GET /auth/session. Only Authenticated is there
// when nobody is signed in.
type sessionStatus struct {
	Authenticated bool            `json:"authenticated"`
	Session       *sessionJSON    `json:"session,omitempty"`
	Account       *accountJSON    `json:"account,omitempty"`
	Identity      *identityStatus `json:"identity,omitempty"`
}

type sessionJSON struct {
	ID                string  `json:"id"`
	Kind              Kind    `json:"kind"`
	CreatedAt         string  `json:"createdAt"`
	IdleExpiresAt     string  `json:"idleExpiresAt"`
	AbsoluteExpiresAt string  `json:"absoluteExpiresAt"`
	AuthTime          string  `json:"authTime"`
	StepUpUntil       *string `json:"stepUpUntil"`
}

type accountJSON struct {
	ID string `json:"id"`
}

type identityStatus struct {
	// Status is "bound" when the account is connected to a record, else "unbound":
	// IdentityStatus of the schema in lower case.
	Status string `json:"status"`
}

// Session serves GET /auth/session: whether somebody is signed in and until when.
// A page may ask as often as it likes; asking does not extend the session.
func (s *SignIn) Session(w http.ResponseWriter, r *http.Request) {
	if !s.begin(w, r, http.MethodGet, http.MethodHead) {
		return
	}
	who, err := s.identify(w, r, false)
	switch {
	case err != nil:
		s.toProgram(w, r, ProblemAmbiguousCredentials, err)
		return
	case who.State == StateUnavailable:
		s.toProgram(w, r, storeProblem(who.cause), who.cause)
		return
	case who.State != StateSignedIn:
		writeJSON(w, http.StatusOK, "application/json", sessionStatus{})
		return
	}
	status := identityStatus{Status: "unbound"}
	if who.Account.ULN != "" {
		status.Status = "bound"
	}
	writeJSON(w, http.StatusOK, "application/json", sessionStatus{
		Authenticated: true,
		Session: &sessionJSON{
			ID: who.Session.ID, Kind: who.Session.Kind,
			CreatedAt:         stamp(who.Session.CreatedAt),
			IdleExpiresAt:     stamp(who.Session.IdleExpiresAt),
			AbsoluteExpiresAt: stamp(who.Session.AbsoluteExpiresAt),
			AuthTime:          stamp(who.Session.AuthTime),
		},
		Account:  &accountJSON{ID: who.Account.ID},
		Identity: &status,
	})
}

// stamp writes a time as the GraphQL scalar DateTime does.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
