package devop

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

// The levels of One Login: how the person signed in, and how well it is known
// who they are.
const (
	levelPassword  = "Cl"
	levelTwoFactor = "Cl.Cm"
	identityNone   = "P0"
	identityLow    = "P1"
	identityMedium = "P2"
)

var errLevels = errors.New("Request vtr not valid") // One Login's own words

// level is what a "vtr" asks for.
type level struct {
	credential string // the least that will do
	identity   bool   // P2 is among what will do
}

// parseLevels reads a vtr: a JSON array of vectors, each of which will do. None
// at all asks for two factors.
func parseLevels(vtr string) (level, error) {
	if vtr == "" {
		return level{credential: levelTwoFactor}, nil
	}
	var vectors []string
	if err := json.Unmarshal([]byte(vtr), &vectors); err != nil || len(vectors) == 0 {
		return level{}, errLevels
	}
	least := level{credential: levelTwoFactor}
	proved := 0
	for _, vector := range vectors {
		credential, identity, ok := parseVector(vector)
		if !ok {
			return level{}, errLevels
		}
		if credential == levelPassword {
			least.credential = levelPassword
		}
		if identity != "" && identity != identityNone {
			proved++
		}
		least.identity = least.identity || identity == identityMedium
	}
	if proved != 0 && proved != len(vectors) {
		return level{}, errLevels // with and without an identity cannot both do
	}
	return least, nil
}

func parseVector(vector string) (credential, identity string, ok bool) {
	var credentials []string
	for part := range strings.SplitSeq(vector, ".") {
		switch {
		case slices.Contains([]string{identityNone, identityLow, identityMedium}, part) && identity == "":
			identity = part
		case identity == "":
			credentials = append(credentials, part)
		default:
			return "", "", false
		}
	}
	credential = strings.Join(credentials, ".")
	switch credential {
	case levelTwoFactor:
		return credential, identity, true
	case levelPassword:
		return credential, identity, identity == ""
	}
	return "", "", false
}
