package plr

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"
)

// Argon2id with 19 MiB, 2 passes, 1 lane: the OWASP Password Storage minimum,
// measured at 27 ms and 20 MB each.
var errBusy = errors.New("too many PINs are being checked")

const (
	argonMemory = 19 * 1024 // KiB
	argonTime   = 2
	argonLanes  = 1
	argonSalt   = 16
	argonKey    = 32
	minPIN      = 4
	maxPIN      = 12
)

// checkPIN refuses what is no PIN and what everybody guesses first.
func checkPIN(pin string) *Error {
	form := refuse(CodeInvalid, T("Choose a PIN of 4 to 12 digits or letters (0 to 9, A to Z).", "Dewiswch PIN o 4 i 12 digid neu lythyren (0 i 9, A i Z)."), "pin")
	normal, ok := normalPIN(pin)
	if !ok {
		return form
	}
	same, up, down := true, true, true
	for i := 1; i < len(normal); i++ {
		same = same && normal[i] == normal[i-1]
		up = up && normal[i] == normal[i-1]+1
		down = down && normal[i] == normal[i-1]-1
	}
	if same || up || down {
		return refuse(CodeInvalid, T("This PIN is too easy to guess. Do not repeat one character or count up or down.",
			"Mae'r PIN hwn yn rhy hawdd ei ddyfalu. Peidiwch ag ailadrodd un nod na chyfrif i fyny nac i lawr."), "pin")
	}
	return nil
}

// normalPIN gives the form PINs are compared in: capital letters, leading zeros kept.
func normalPIN(pin string) (string, bool) {
	if len(pin) < minPIN || len(pin) > maxPIN {
		return "", false
	}
	for _, c := range []byte(pin) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return "", false
		}
	}
	return strings.ToUpper(pin), true
}

// hashPIN hashes a PIN that checkPIN has accepted.
func (s *Service) hashPIN(ctx context.Context, pin string) (string, error) {
	normal, _ := normalPIN(pin)
	salt := make([]byte, argonSalt)
	if _, err := io.ReadFull(s.random, salt); err != nil {
		return "", err
	}
	key, err := s.argon(ctx, normal, salt)
	if err != nil {
		return "", err
	}
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonLanes,
		b64.EncodeToString(salt), b64.EncodeToString(key)), nil
}

// pinMatches checks a PIN against a hash made by hashPIN.
func (s *Service) pinMatches(ctx context.Context, hash, pin string) (bool, error) {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 {
		return false, fmt.Errorf("PIN hash has %d parts", len(parts))
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false, err
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil {
		return false, err
	}
	got, err := s.argon(ctx, pin, salt)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

// pinSlotFree says whether a hash could begin now without waiting.
func (s *Service) pinSlotFree() bool { return len(s.pinSlots) < cap(s.pinSlots) }

// maxPINWait is how long a hash may wait for a slot. Beyond it the service is
// busy, and says so rather than letting a queue grow.
const maxPINWait = 2 * time.Second

// argon runs one hash in one of few slots: each costs 20 MB, and unbounded
// hashing is how a service is put down.
func (s *Service) argon(ctx context.Context, pin string, salt []byte) ([]byte, error) {
	patience := time.NewTimer(maxPINWait)
	defer patience.Stop()
	select {
	case s.pinSlots <- struct{}{}:
		defer func() { <-s.pinSlots }()
	case <-patience.C:
		return nil, Unavailable(errBusy, maxPINWait)
	case <-ctx.Done():
		return nil, Unavailable(ctx.Err(), time.Second)
	}
	return argon2.IDKey([]byte(pin), salt, argonTime, argonMemory, argonLanes, argonKey), nil
}
