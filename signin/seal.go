package signin

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// SealKey is one key under which small secrets lie in Redis.
type SealKey struct {
	// ID is written beside what the key sealed: letters, digits, '-' and '_', at
	// most 32. Never reuse an id for other bytes.
	ID string
	// Key is 32 bytes (AES-256-GCM).
	Key []byte
}

// sealer seals under the first key and opens under any, so that keys can be
// rotated. Taking a key away costs the sign-ins under way and the provider's
// sign-out page of sessions sealed by it; the sessions themselves live on.
type sealer struct {
	random io.Reader
	first  string
	boxes  map[string]cipher.AEAD
}

var sealKeyID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)

var errSealed = errors.New("sealed by a key that is not held, or altered")

func newSealer(keys []SealKey, random io.Reader) (*sealer, error) {
	if len(keys) == 0 {
		return nil, errors.New("SealKeys is empty")
	}
	s := &sealer{random: random, first: keys[0].ID, boxes: make(map[string]cipher.AEAD, len(keys))}
	for _, k := range keys {
		switch _, twice := s.boxes[k.ID]; {
		case !sealKeyID.MatchString(k.ID):
			return nil, fmt.Errorf("SealKeys: id %q is not 1 to 32 letters, digits, '-' or '_'", k.ID)
		case twice:
			return nil, fmt.Errorf("SealKeys: id %q stands twice", k.ID)
		case len(k.Key) != 32:
			return nil, fmt.Errorf("SealKeys: key %q is not 32 bytes long", k.ID)
		}
		block, err := aes.NewCipher(k.Key)
		if err != nil {
			return nil, err
		}
		if s.boxes[k.ID], err = cipher.NewGCM(block); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// seal ties text to context: what was sealed for one record does not open for
// another.
func (s *sealer) seal(text, context string) (string, error) {
	box := s.boxes[s.first]
	nonce := make([]byte, box.NonceSize())
	if _, err := io.ReadFull(s.random, nonce); err != nil {
		return "", err
	}
	return s.first + "." + base64.RawURLEncoding.EncodeToString(box.Seal(nonce, nonce, []byte(text), []byte(context))), nil
}

func (s *sealer) open(sealed, context string) (string, error) {
	id, body, _ := strings.Cut(sealed, ".")
	box := s.boxes[id]
	raw, err := base64.RawURLEncoding.DecodeString(body)
	if box == nil || err != nil || len(raw) < box.NonceSize() {
		return "", errSealed
	}
	text, err := box.Open(nil, raw[:box.NonceSize()], raw[box.NonceSize():], []byte(context))
	if err != nil {
		return "", errSealed
	}
	return string(text), nil
}
