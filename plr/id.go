package plr

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"io"
	"strings"
)

// An API id is opaque: a kind, an underscore and 26 characters. The kind lets
// node(id:) find the room without a look-up.
const (
	idLearner   = "lrn"
	idEvent     = "evt"
	idView      = "vw"
	idLink      = "lnk"
	idChallenge = "dch"
	idAccess    = "acc"
	idAccount   = "act"
	idLease     = "lse"
	idRedeem    = "rdm"
	idClaim     = "clm"
	idReview    = "rvw"
)

var idEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

const idTail = 26 // characters: 128 bits in base 32

// newID makes an id nobody can guess.
func newID(random io.Reader, kind string) (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", err
	}
	return kind + "_" + idEncoding.EncodeToString(b[:]), nil
}

// idOf makes the id of something that has a name of its own upstream: the same
// name always gives the same id. It does not show the name, but whoever can try
// all names finds it: such ids go to the owner alone, and never into a log.
func idOf(kind, name string) string {
	sum := sha256.Sum256([]byte("openplr/id/" + kind + "\x00" + name))
	return kind + "_" + idEncoding.EncodeToString(sum[:16])
}

// isID says whether id has the form of kind's ids. Anything else is answered
// as not found without a look-up.
func isID(id, kind string) bool {
	tail, ok := strings.CutPrefix(id, kind+"_")
	if !ok || len(tail) != idTail {
		return false
	}
	return strings.Trim(tail, "0123456789abcdefghjkmnpqrstvwxyz") == ""
}

// digest names data by a keyless hash, separated by use so that one kind of
// hash can never stand for another.
func digest(use, data string) string {
	sum := sha256.Sum256([]byte("openplr/" + use + "\x00" + data))
	return hex.EncodeToString(sum[:])
}
