package plr

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"
	"unicode/utf8"
)

// Idempotency makes a create safe to repeat: the same key with the same input
// gives the object that was made first.
type Idempotency struct {
	// ULN is the owner's: a store may keep keys with what the owner has.
	ULN ULN
	// Key names owner, operation and the caller's key together.
	Key string
	// Hashes of the input, keyed because an input may hold a PIN: one per key of
	// the list. The first is stored; a stored hash among them is the same input.
	Hashes []string
	At     time.Time
}

// IdempotencyLife is how long a key is remembered.
const IdempotencyLife = 24 * time.Hour

// MaxIdempotencyKeys is how many keys of one learner a store has to remember at
// once. It may refuse one more with IdempotencyLimit.
const MaxIdempotencyKeys = 2000

const maxIdempotencyKey = 64

// idempotency prepares the store's part of a create; nil when the caller gave no key.
func (s *Service) idempotency(uln ULN, operation string, key *string, input any, faults *faultList) *Idempotency {
	if key == nil {
		return nil
	}
	if n := utf8.RuneCountInString(*key); n < 1 || n > maxIdempotencyKey || !utf8.ValidString(*key) {
		faults.add(refuse(CodeOutOfRange, T("An idempotency key has 1 to 64 characters.", "Mae gan allwedd ailadrodd rhwng 1 a 64 nod."), "idempotencyKey"))
		return nil
	}
	text, err := json.Marshal(input)
	if err != nil {
		faults.add(refuse(CodeInvalid, T("This input cannot be kept.", "Ni ellir cadw'r mewnbwn hwn.")))
		return nil
	}
	idem := &Idempotency{ULN: uln, Key: digest("idempotency", string(uln)+"\x00"+operation+"\x00"+*key), At: s.now()}
	for _, k := range s.linkKeys {
		mac := hmac.New(sha256.New, k.Key)
		mac.Write([]byte("openplr/idempotency/v1\x00"))
		mac.Write(text)
		idem.Hashes = append(idem.Hashes, hex.EncodeToString(mac.Sum(nil)))
	}
	return idem
}

// madeBefore looks for what an earlier call with the same key made. It comes
// before every check of the input: a retry of a lost answer must not fail
// because time has passed since, an expiry an hour away above all.
func (s *Service) madeBefore(ctx context.Context, idem *Idempotency, faults *faultList) (string, error) {
	if err := faults.err(); err != nil || idem == nil {
		return "", err
	}
	return s.store.MadeBefore(ctx, idem)
}

// IdempotencyConflict is the refusal of a key that was used with another input.
func IdempotencyConflict() *Error {
	return refuse(CodeConflict, T(
		"This idempotency key was used before with another input. Use a new key.",
		"Defnyddiwyd yr allwedd ailadrodd hon o'r blaen gyda mewnbwn arall. Defnyddiwch allwedd newydd."), "idempotencyKey")
}

// IdempotencyLimit is the refusal of one more key than a store remembers.
func IdempotencyLimit() *Error {
	return refuse(CodeLimitReached, T(
		"You have used as many idempotency keys as you can within a day. Try again tomorrow.",
		"Rydych wedi defnyddio cynifer o allweddau ailadrodd ag y cewch o fewn diwrnod. Rhowch gynnig arall arni yfory."), "idempotencyKey")
}
