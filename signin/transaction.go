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

// transactionLife is long because a person may have to find a telephone first.
const transactionLife = time.Hour

// purpose is what a trip to the provider is for.
type purpose string

const purposeSignIn purpose = "sign_in"

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
	return s.redis.Set(ctx, transactionKey(hashOf(useState, state)), record, transactionLife).Err()
}

// takeTransaction gives the transaction of state to one caller only. It is spent
// whatever comes after: a sign-in that went wrong starts anew.
func (s *SignIn) takeTransaction(ctx context.Context, state string) (*transaction, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	hash := hashOf(useState, state)
	record, err := takeScript.Run(ctx, s.redis,
		[]string{transactionKey(hash), usedTransactionKey(hash)}, transactionLife.Milliseconds()).Text()
	switch {
	case errors.Is(err, redis.Nil):
		return nil, errStateUnknown
	case err != nil:
		return nil, err
	case record == "":
		return nil, errStateUsed
	}
	var t transaction
	// A purpose not known here belongs to a newer replica; taken for a sign-in it
	// would grant what was not asked for.
	if err := json.Unmarshal([]byte(record), &t); err != nil || t.Version != 1 || t.Purpose != purposeSignIn {
		return nil, errStateUnknown
	}
	// Redis counts its own seconds; the limit holds by our clock too.
	if age := s.now().Sub(time.UnixMilli(t.CreatedAt)); age >= transactionLife {
		return nil, errStateUnknown
	}
	return &t, nil
}
