package signin

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"io"
	"strings"
)

// use keeps kinds of secrets apart: the same characters hash differently under
// another use, so that a state can never serve as a session.
type use string

const (
	useState      use = "state"
	useBrowser    use = "browser"
	useNonce      use = "nonce"
	useWebSession use = "web"
	useSubject    use = "subject"
	useLogoutID   use = "jti"
)

// hashOf is the form a secret takes in Redis. Secrets are 256 random bits, so no
// salt and no slow hash are needed.
func hashOf(u use, secret string) string {
	sum := sha256.Sum256([]byte(string(u) + ":" + secret))
	return hex.EncodeToString(sum[:])
}

const secretBytes = 32

var secretEncoding = base64.RawURLEncoding.Strict()

// newSecret gives 256 random bits as 43 characters that need no escaping.
func newSecret(random io.Reader) (string, error) {
	var b [secretBytes]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", err
	}
	return secretEncoding.EncodeToString(b[:]), nil
}

// isSecret says whether s has the form newSecret gives. What has not is refused
// without asking Redis.
func isSecret(s string) bool {
	if len(s) != 43 {
		return false
	}
	b, err := secretEncoding.DecodeString(s)
	return err == nil && len(b) == secretBytes
}

// sessionPrefix makes a leaked token recognisable to secret scanners.
const sessionPrefix = "lrw_"

func newSessionToken(random io.Reader) (string, error) {
	secret, err := newSecret(random)
	return sessionPrefix + secret, err
}

func isSessionToken(s string) bool {
	secret, ok := strings.CutPrefix(s, sessionPrefix)
	return ok && isSecret(secret)
}

var idEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// newID gives an id that names something but opens nothing: a session's handle,
// the reference of a refusal, an assertion's jti.
func newID(random io.Reader, kind string) (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", err
	}
	return kind + "_" + idEncoding.EncodeToString(b[:]), nil
}
