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
	LastSeenAt        string  `json:"lastSeenAt"`
	AuthTime          string  `json:"authTime"`
	StepUpUntil       *string `json:"stepUpUntil"`
	DeviceLabel       *string `json:"deviceLabel"`
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
	case who.State == StateUnavailable:
		s.toProgram(w, r, storeProblem(who.cause), who.cause)
	default:
		writeJSON(w, http.StatusOK, "application/json", statusOf(who))
	}
}

func statusOf(who Who) sessionStatus {
	if who.State != StateSignedIn {
		return sessionStatus{}
	}
	info := who.Session
	out := sessionStatus{
		Authenticated: true,
		Session: &sessionJSON{
			ID: info.ID, Kind: info.Kind,
			CreatedAt:         stamp(info.CreatedAt),
			IdleExpiresAt:     stamp(info.IdleExpiresAt),
			AbsoluteExpiresAt: stamp(info.AbsoluteExpiresAt),
			LastSeenAt:        stamp(info.LastSeenAt),
			AuthTime:          stamp(info.AuthTime),
			DeviceLabel:       labelOf(info),
		},
		Account:  &accountJSON{ID: who.Account.ID},
		Identity: &identityStatus{Status: "unbound"},
	}
	if who.Account.ULN != "" {
		out.Identity.Status = "bound"
	}
	if !info.StepUpUntil.IsZero() {
		until := stamp(info.StepUpUntil)
		out.Session.StepUpUntil = &until
	}
	return out
}

// labelOf is null for a device that has no name.
func labelOf(info *SessionInfo) *string {
	if info.DeviceLabel == "" {
		return nil
	}
	return &info.DeviceLabel
}

// stamp writes a time as the GraphQL scalar DateTime does.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
