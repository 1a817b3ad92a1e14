package signin

import (
	"errors"
	"net/http"

	"openplr/plr"
)

// Refusals of requests that act upon a session.
const (
	// ProblemStepUpRequired: the person must sign in once more for this.
	ProblemStepUpRequired Problem = "step_up_required"
	// ProblemNotFound: there is nothing with this id that is the asking person's.
	ProblemNotFound Problem = "not_found"
	// ProblemInvalidExcept: except is neither left out nor "current".
	ProblemInvalidExcept Problem = "invalid_except"
)

const (
	errExcept       = why("except is not current")
	errStepUpNeeded = why("the last sign-in is too long ago")
	errNobody       = why("no session was presented")
	errNotExtended  = why("the session could not be extended")
)

// ExtendSession serves POST /auth/session/extend, by which a page says that its
// person is still there: the idle limit moves and the answer is that of Session.
func (s *SignIn) ExtendSession(w http.ResponseWriter, r *http.Request) {
	who, ok := s.owner(w, r, http.MethodPost)
	if !ok {
		return
	}
	// Seen within the last minute is as good as seen now; otherwise owner has moved
	// the limit. Where another request came in between, it is looked at again.
	for range 2 {
		if _, err := who.Require(); err != nil {
			s.toOwner(w, r, who, err)
			return
		}
		if s.now().Sub(who.Session.LastSeenAt) < touchEvery {
			writeJSON(w, http.StatusOK, "application/json", statusOf(who))
			return
		}
		who, _ = s.identify(w, r, true) // its one error has been ruled out
	}
	s.toProgram(w, r, ProblemSessionStoreUnavailable, errNotExtended)
}

// owner gives who asks to change something about their sessions, or has refused:
// what comes on the strength of a cookie must come from our own page, and there is
// nothing to say in a body. Nobody has been asked yet whether they are signed in.
func (s *SignIn) owner(w http.ResponseWriter, r *http.Request, method string) (Who, bool) {
	if !s.begin(w, r, method) {
		return Who{}, false
	}
	if !hasBearer(r) && r.Header.Get(RequestedByHeader) != RequestedBy {
		s.toProgram(w, r, ProblemCrossOrigin, errNoCustomHeader)
		return Who{}, false
	}
	if code, err := readObject(w, r, &struct{}{}); err != nil {
		s.toProgram(w, r, code, err)
		return Who{}, false
	}
	who, err := s.identify(w, r, method == http.MethodPost)
	if err != nil {
		s.toProgram(w, r, ProblemAmbiguousCredentials, err)
		return Who{}, false
	}
	return who, true
}

// toOwner answers with a refusal of the domain.
func (s *SignIn) toOwner(w http.ResponseWriter, r *http.Request, who Who, err error) {
	switch plr.CodeOf(err) {
	case plr.CodeUnauthenticated:
		s.toProgram(w, r, ProblemUnauthenticated, errNobody)
	case plr.CodeSessionExpired:
		s.toProgram(w, r, ProblemSessionExpired, err)
	case plr.CodeNotFound:
		s.toProgram(w, r, ProblemNotFound, err)
	case plr.CodeStepUpRequired:
		var required *plr.Error
		errors.As(err, &required)
		s.toStepUp(w, r, who, required.Action)
	default:
		s.toProgram(w, r, storeProblem(err), err)
	}
}

// toStepUp is toProgram with the way to go, as GraphQL's error has it.
func (s *SignIn) toStepUp(w http.ResponseWriter, r *http.Request, who Who, action plr.StepUpAction) {
	ref := s.refused(r.Context(), ProblemStepUpRequired, errStepUpNeeded)
	writeJSON(w, http.StatusUnauthorized, "application/problem+json", struct {
		problemJSON
		StepUp Way `json:"stepUp"`
	}{newProblemJSON(http.StatusUnauthorized, ProblemStepUpRequired, ref), who.StepUpWay(s.config.PublicURL, action)})
}
