package plr

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// LinkKey is a secret key that link secrets are derived with.
type LinkKey struct {
	ID  string
	Key []byte
}

// LinkKeys is the rotating list: the first makes new links, the others still
// open old ones. A key taken off the list kills its links.
type LinkKeys []LinkKey

var keyID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)

// ParseLinkKeys reads "id:base64,id:base64". Keys have at least 32 bytes.
func ParseLinkKeys(s string) (LinkKeys, error) {
	var keys LinkKeys
	for _, item := range strings.Split(s, ",") {
		id, encoded, ok := strings.Cut(strings.TrimSpace(item), ":")
		if !ok || !keyID.MatchString(id) {
			return nil, errors.New("each key is written id:base64, the id of at most 32 letters, digits, - and _")
		}
		key, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil || len(key) < 32 {
			return nil, fmt.Errorf("key %q is not base64 of at least 32 bytes", id)
		}
		if _, twice := keys.find(id); twice {
			return nil, fmt.Errorf("key id %q stands twice", id)
		}
		keys = append(keys, LinkKey{ID: id, Key: key})
	}
	return keys, nil
}

// Current is the key for new links.
func (k LinkKeys) Current() LinkKey { return k[0] }

func (k LinkKeys) find(id string) (LinkKey, bool) {
	for _, key := range k {
		if key.ID == id {
			return key, true
		}
	}
	return LinkKey{}, false
}

// SecretRef leads from a secret's hash to the link it opens.
type SecretRef struct {
	Hash   string
	ULN    ULN
	LinkID string
}

const secretLen = 43 // characters: 256 bits in base64url without padding

// secretOf derives a link's secret. It is never stored, so the owner can see
// it again and a copy of the store opens nothing. False when the link's key
// is no longer on the list.
func (s *Service) secretOf(link *ShareLink) (string, bool) {
	key, ok := s.linkKeys.find(link.KeyID)
	if !ok {
		return "", false
	}
	mac := hmac.New(sha256.New, key.Key)
	mac.Write([]byte("openplr/link-secret/v1\x00" + link.ID))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), true
}

// wellFormedSecret says whether secret can be one: 43 characters of canonical base64url.
func wellFormedSecret(secret string) bool {
	if len(secret) != secretLen {
		return false
	}
	_, err := base64.RawURLEncoding.Strict().DecodeString(secret)
	return err == nil
}

func secretHash(secret string) string { return digest("link-secret", secret) }

// LinkURL gives the address that opens link, or "" when the link has ended
// (revoked, expired, used up) or its key is gone. An ended link's address comes
// back when the owner extends it. The secret stands in the fragment, which
// browsers never send.
func (s *Service) LinkURL(link *ShareLink) string {
	secret, ok := s.secretOf(link)
	if !ok || link.RevokedAt != nil || link.Status == LinkExpired || link.Status == LinkUsedUp {
		return ""
	}
	return s.publicURL + "/s#" + secret
}

// SecretIn finds the secret in what somebody pasted: the secret alone, or a
// whole link, also with the punctuation that follows it in a sentence.
func SecretIn(pasted string) string {
	pasted = strings.TrimSpace(pasted)
	if _, fragment, ok := strings.Cut(pasted, "#"); ok {
		pasted = fragment
	}
	return strings.TrimRight(pasted, ".,;:!?)]}>\"' \t\r\n")
}
