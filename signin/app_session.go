package signin

import (
	"context"
	"strings"

	"openplr/plr"
)

// familyKey is where everything of one app session is kept, under the hash of
// the locator that its tokens share. The record begins with the members of a
// session, and reads as one.
func familyKey(hash string) string { return "lr:f:{" + hash + "}" }

// familyEntry leads from a handle to the record, as indexEntry does.
func familyEntry(handle, hash string) string { return handle + ".f." + hash }

const accessPrefix = "lra_"

// isAccessToken says whether s has the form of an app's access token.
func isAccessToken(s string) bool {
	return strings.HasPrefix(s, accessPrefix)
}

// liveApp is liveSession for an app's access token.
func (s *SignIn) liveApp(ctx context.Context, token string, touch bool) (*session, *plr.Account, error) {
	return nil, nil, errAppNotBuilt
}

// endFamily ends the app session with this hash and gives its record as it was,
// or nil when there was none. On an error for which storeProblem says that the
// accounts' store failed, the session is dead in Redis, and can be ended durably
// by asking again.
func (s *SignIn) endFamily(ctx context.Context, hash string) (*session, error) {
	return nil, errAppNotBuilt
}
