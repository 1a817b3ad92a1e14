package signin

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

const useAppCode use = "app_code"

const (
	// appCodeLife is how long an app has to trade its code.
	appCodeLife = 60 * time.Second
	// appCodeMemory is how long a code that comes a second time is known for one.
	appCodeMemory = 10 * time.Minute
)

// appCode is what a code stands for, kept under the code's hash. What a person
// proved is here; whether they still may have a session is judged when the code
// is traded.
type appCode struct {
	Version   int    `json:"v"`
	Client    string `json:"client"`
	Redirect  string `json:"redirect"`
	Challenge string `json:"challenge"`
	Account   string `json:"account"`
	// Epoch is the account's when the person arrived: signing out everywhere ends
	// what is still to be traded too.
	Epoch     string `json:"epoch"`
	CreatedAt int64  `json:"createdAt"`
	// Began is when a new session began by the account's own reckoning.
	Began int64 `json:"began"`
	// Family is the hash of the app session that the code renews; empty for a new one.
	Family string `json:"family,omitempty"`

	AuthTime   int64  `json:"authTime"`
	Issuer     string `json:"opIssuer"`
	Subject    string `json:"opSub"`
	Vector     string `json:"vot,omitempty"`
	StepUpAt   int64  `json:"stepUpAt,omitempty"`
	IdentityAt int64  `json:"identityAt,omitempty"`
	Hint       string `json:"idTokenHint"`
}

func appCodeKey(hash string) string     { return "lr:code:{" + hash + "}" }
func usedAppCodeKey(hash string) string { return "lr:code:{" + hash + "}:used" }

func codeHintContext(hash string) string { return "id_token_hint of code " + hash }

// storeCode keeps c and gives the code for it.
func (s *SignIn) storeCode(ctx context.Context, c *appCode, idToken string) (code string, err error) {
	if code, err = newSecret(s.random); err != nil {
		return "", err
	}
	hash := hashOf(useAppCode, code)
	if c.Hint, err = s.sealer.seal(idToken, codeHintContext(hash)); err != nil {
		return "", err
	}
	record, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	return code, s.redis.Set(ctx, appCodeKey(hash), record, appCodeLife).Err()
}

const (
	errCodeUnknown = why("no such code, or it took too long")
	errCodeUsed    = why("the code was used before")
)

// takeCode gives the code with this hash to one caller only, who will begin the
// session with the hash family if the code does not renew one. To any later
// caller it gives the code too, and the hash of the session that came or was to
// come of it, with errCodeUsed.
func (s *SignIn) takeCode(ctx context.Context, hash, family string) (c *appCode, came string, err error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	mark, err := takeCodeScript.Run(ctx, s.redis, []string{appCodeKey(hash), usedAppCodeKey(hash)},
		codeFirst+family, codeAgain, appCodeMemory.Milliseconds()).Text()
	record := 1 + len(family) // where it begins, behind the state and a hash
	switch {
	case errors.Is(err, redis.Nil):
		return nil, "", errCodeUnknown
	case err != nil:
		return nil, "", err
	case len(mark) < record:
		return nil, "", errCodeUnknown
	}
	c, came = &appCode{}, mark[1:record]
	if err := json.Unmarshal([]byte(mark[record:]), c); err != nil || c.Version != 1 {
		return nil, "", errCodeUnknown
	}
	if c.Family != "" {
		came = c.Family
	}
	if mark[:1] != codeFirst {
		return c, came, errCodeUsed
	}
	// Redis counts its own seconds; the limit holds by our clock too.
	if age := s.now().Sub(time.UnixMilli(c.CreatedAt)); age >= appCodeLife {
		return nil, "", errCodeUnknown
	}
	return c, came, nil
}

// What the mark of a used code begins with.
const (
	codeFirst = "1" // used once
	codeAgain = "2" // used again since
)

// codeUsedOnce says whether the code has not been presented again since it was
// taken. A mark that is lost counts as if it had.
func (s *SignIn) codeUsedOnce(ctx context.Context, hash string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	state, err := s.redis.GetRange(ctx, usedAppCodeKey(hash), 0, 0).Result()
	return state == codeFirst, err
}
