package signin

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// storeTimeout bounds one step in Redis: better to say "try again" than to hang.
const storeTimeout = 2 * time.Second

// A trip may take long: a person may have to find a telephone first, or papers
// that prove who they are.
const (
	transactionLife = time.Hour
	identityLife    = 2 * time.Hour
)

// purpose is what a trip to the provider is for.
type purpose string

const (
	purposeSignIn purpose = "sign_in"
	// purposeStepUp makes the person of a session sign in once more.
	purposeStepUp purpose = "step_up"
	// purposeIdentity makes the person of a session prove who they are.
	purposeIdentity purpose = "identity"
)

// life is how long a trip of this purpose may take; zero for a purpose that is
// not known here: it belongs to a newer replica, and taken for a sign-in it would
// grant what was not asked for.
func (p purpose) life() time.Duration {
	switch p {
	case purposeSignIn, purposeStepUp:
		return transactionLife
	case purposeIdentity:
		return identityLife
	default:
		return 0
	}
}

// transaction is one trip to the provider, kept under the hash of its state.
type transaction struct {
	Version int     `json:"v"`
	Purpose purpose `json:"purpose"`
	// Browser and Nonce are hashes, Verifier is sealed: reading Redis helps nobody
	// to finish somebody's sign-in.
	Browser  string `json:"browser"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"`
	// Issuer was asked; an answer of any other is refused.
	Issuer    string `json:"issuer"`
	ReturnTo  string `json:"returnTo"`
	CreatedAt int64  `json:"createdAt"` // unix milliseconds
	// Session is the hash of the session the browser had when it left: the strict
	// cookie does not come along on the way back, and that session must end.
	Session string `json:"session,omitempty"`
	// Account is whose session a step-up or identity trip belongs to. The person
	// who comes back must be the same.
	Account string `json:"account,omitempty"`
	// Handle, Began and AuthTime are those of the session an identity trip left from,
	// by which it is known later whether somebody ended it.
	Handle   string `json:"handle,omitempty"`
	Began    int64  `json:"began,omitempty"`
	AuthTime int64  `json:"authTime,omitempty"`
	// App is set when an app is waiting: it gets a code in place of a cookie.
	App *appTrip `json:"app,omitempty"`
}

// appTrip is what an app asked for. See app_authorize.go.
type appTrip struct {
	Client    string `json:"client"`
	Redirect  string `json:"redirect"`
	Challenge string `json:"challenge"`
	// State is the app's own, to be handed back.
	State string `json:"state"`
	// Family is the hash of the app session that a step-up or identity trip
	// belongs to; empty at sign-in.
	Family string `json:"family,omitempty"`
}

const (
	errStateUnknown = why("no transaction of this state")
	errStateUsed    = why("the transaction of this state is finished")
)

// Both keys of a transaction share a hash tag, so that a cluster can take it in
// one step.
func transactionKey(stateHash string) string     { return "lr:txn:{" + stateHash + "}" }
func usedTransactionKey(stateHash string) string { return "lr:txn:{" + stateHash + "}:used" }

func (s *SignIn) storeTransaction(ctx context.Context, state string, t *transaction) error {
	record, err := json.Marshal(t)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	return s.redis.Set(ctx, transactionKey(hashOf(useState, state)), record, t.Purpose.life()).Err()
}

// takeTransaction gives the transaction of state to one caller only. It is spent
// whatever comes after: a sign-in that went wrong starts anew.
func (s *SignIn) takeTransaction(ctx context.Context, state string) (*transaction, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	hash := hashOf(useState, state)
	record, err := takeScript.Run(ctx, s.redis,
		[]string{transactionKey(hash), usedTransactionKey(hash)}, identityLife.Milliseconds()).Text()
	switch {
	case errors.Is(err, redis.Nil):
		return nil, errStateUnknown
	case err != nil:
		return nil, err
	case record == "":
		return nil, errStateUsed
	}
	var t transaction
	if err := json.Unmarshal([]byte(record), &t); err != nil || t.Version != 1 || t.Purpose.life() == 0 {
		return nil, errStateUnknown
	}
	// Redis counts its own seconds; the limit holds by our clock too.
	if age := s.now().Sub(time.UnixMilli(t.CreatedAt)); age >= t.Purpose.life() {
		return nil, errStateUnknown
	}
	return &t, nil
}
