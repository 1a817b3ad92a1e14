package signin

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/redis/go-redis/v9"
)

const useHandoff use = "handoff"

// handoffLife is how long the system's browser has to arrive with a hand-off.
const handoffLife = 60 * time.Second

const (
	errHandoffUnknown = why("no such hand-off, or it was used or took too long")
	errHandoffOther   = why("the hand-off was made for another app or action")
	errHandoffBody    = why("the body is not an action")
	errNoBearer       = why("no access token came along")
)

// handoff binds what the system's browser does to an app session, so that no
// token has to stand in an address.
type handoff struct {
	Version   int     `json:"v"`
	Family    string  `json:"family"`
	Client    string  `json:"client"`
	Action    purpose `json:"action"`
	Renew     bool    `json:"renew,omitempty"`
	CreatedAt int64   `json:"createdAt"`
}

func handoffKey(hash string) string { return "lr:handoff:{" + hash + "}" }

// AppHandoff serves POST /auth/app/handoff with an access token and the JSON body
// {"action": "step_up" or "identity", "renew": bool?}. The answer {"handoff",
// "expires_in"} goes once, within a minute, to /auth/app/authorize. renew asks to
// prove identity again although the account has its record.
func (s *SignIn) AppHandoff(w http.ResponseWriter, r *http.Request) {
	if !s.begin(w, r, http.MethodPost) {
		return
	}
	if len(r.CookiesNamed(SessionCookie)) > 0 {
		s.toProgram(w, r, ProblemAmbiguousCredentials, errAmbiguous)
		return
	}
	ctx := r.Context()
	token, presented := bearerToken(r)
	if !presented {
		s.toAppSignIn(w, r, ProblemUnauthenticated, errNoBearer)
		return
	}
	e, _, err := s.liveApp(ctx, token, false)
	switch {
	case ended(err):
		s.toAppSignIn(w, r, ProblemSessionExpired, err)
		return
	case err != nil:
		s.toProgram(w, r, storeProblem(err), err)
		return
	}
	action, renew, code, err := readHandoff(w, r)
	if err != nil {
		s.toProgram(w, r, code, err)
		return
	}
	locator, _ := readAppToken(token, accessPrefix)
	h := &handoff{Version: 1, Family: familyHash(locator), Action: action, Renew: renew, CreatedAt: s.now().UnixMilli()}
	secret, code, err := s.storeHandoff(ctx, h)
	if err != nil {
		s.toProgram(w, r, code, err)
		return
	}
	s.log.InfoContext(ctx, "handed off", "account", e.Account, "session", e.Handle, "action", action)
	writeJSON(w, http.StatusCreated, "application/json", struct {
		Handoff   string `json:"handoff"`
		ExpiresIn int64  `json:"expires_in"`
	}{secret, int64(handoffLife / time.Second)})
}

// toAppSignIn tells an app that its access token opens nothing.
func (s *SignIn) toAppSignIn(w http.ResponseWriter, r *http.Request, code Problem, cause error) {
	w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
	s.toProgram(w, r, code, cause)
}

func readHandoff(w http.ResponseWriter, r *http.Request) (action purpose, renew bool, code Problem, err error) {
	if !isJSON(r) {
		return "", false, ProblemUnsupportedMediaType, errNotJSON
	}
	var in struct {
		Action purpose `json:"action"`
		Renew  bool    `json:"renew"`
	}
	switch code, err := readObject(w, r, &in); {
	case err != nil:
		return "", false, code, err
	case in.Action != purposeStepUp && in.Action != purposeIdentity:
		return "", false, ProblemInvalidBody, errHandoffBody
	}
	return in.Action, in.Renew, "", nil
}

// storeHandoff keeps h, with the app that its session belongs to, and gives the
// secret for it.
func (s *SignIn) storeHandoff(ctx context.Context, h *handoff) (secret string, code Problem, err error) {
	f, _, err := s.readFamily(ctx, h.Family)
	switch {
	case ended(err):
		return "", ProblemSessionExpired, err
	case err != nil:
		return "", ProblemSessionStoreUnavailable, err
	}
	h.Client = f.Client
	if secret, err = newSecret(s.random); err != nil {
		return "", ProblemInternal, err
	}
	record, err := json.Marshal(h)
	if err != nil {
		return "", ProblemInternal, err
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	if err := s.redis.Set(ctx, handoffKey(hashOf(useHandoff, secret)), record, handoffLife).Err(); err != nil {
		return "", ProblemSessionStoreUnavailable, err
	}
	return secret, "", nil
}

// takeHandoff gives the hand-off to one caller only.
func (s *SignIn) takeHandoff(ctx context.Context, secret string) (*handoff, error) {
	if !isSecret(secret) {
		return nil, errHandoffUnknown
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	record, err := s.redis.GetDel(ctx, handoffKey(hashOf(useHandoff, secret))).Result()
	switch {
	case errors.Is(err, redis.Nil):
		return nil, errHandoffUnknown
	case err != nil:
		return nil, err
	}
	var h handoff
	if err := json.Unmarshal([]byte(record), &h); err != nil || h.Version != 1 ||
		s.now().Sub(time.UnixMilli(h.CreatedAt)) >= handoffLife {
		return nil, errHandoffUnknown
	}
	return &h, nil
}
