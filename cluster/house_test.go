package cluster_test

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"openplr/cluster/mongotest"
	"openplr/lrs"
)

// Keys that both replicas share, as several machines must.
const (
	linkKeys    = "test:bGluayBrZXkgb2YgdGhlIHRlc3RzLCAzMiBieXRlcyE="
	sessionKeys = "test:c2Vzc2lvbiBrZXkgb2YgdGhlIHRlc3RzIDMyIGJ5dGU="
)

// house is the service as it is run when one machine is outgrown: two
// processes of it, one document store and one Redis, each replica with a way of
// its own to either, so that a fault can strike one and spare the other.
type house struct {
	t        testing.TB
	replicas []*replica
	mongo    *mongotest.Server  // nil in an embedded house
	stores   []*mongotest.Front // by replica
	redis    *redisServer
	caches   []*tcpFront // by replica, to Redis
	person   lrs.SamplePerson

	learner *visitor // the person, signed in
	view    string   // of everything the person has
}

// embedded is the same with one process, which keeps everything itself. What is
// asked of two replicas is asked of it twice.
func embedded(t testing.TB) *house {
	t.Helper()
	h := &house{t: t, person: samplePerson(t)}
	r := newReplica(t, "embedded", map[string]string{"DEVOP_ADDR": fmt.Sprintf("127.0.0.1:%d", freePort(t)), "LINK_KEYS": linkKeys, "SESSION_KEYS": sessionKeys})
	r.env["PUBLIC_URL"] = r.url
	h.replicas = []*replica{r.up(), r}
	h.settle()
	return h
}

// replicated starts two replicas on one store and one Redis. The first runs the
// development provider, at which people sign in whichever replica they come to.
func replicated(t testing.TB) *house {
	t.Helper()
	h := prepared(t)
	h.replicas[0].up()
	h.replicas[1].up()
	h.settle()
	return h
}

// prepared is replicated before anything is started.
func prepared(t testing.TB) *house {
	t.Helper()
	h := &house{t: t, mongo: mongotest.Start(t), redis: startRedis(t, t.TempDir()), person: samplePerson(t)}
	provider := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	for i := range 2 {
		h.stores = append(h.stores, h.mongo.Listen(t))
		h.caches = append(h.caches, newTCPFront(t, h.redis.addr))
		r := newReplica(t, fmt.Sprintf("replica %d", i+1), map[string]string{
			"MONGODB_URI": h.stores[i].URI() + "openplr", "REDIS_URL": "redis://" + h.caches[i].addr,
			"LINK_KEYS": linkKeys, "SESSION_KEYS": sessionKeys,
		})
		h.replicas = append(h.replicas, r)
		r.env["PUBLIC_URL"] = h.replicas[0].url // the one address that a balancer has
	}
	h.replicas[0].env["DEVOP_ADDR"] = provider
	for name, value := range map[string]string{
		"OIDC_ISSUER": "http://" + provider, "OIDC_CLIENT_ID": "openplr", "OIDC_CLIENT_KEY_ID": "local-1",
		"OIDC_CLIENT_KEY_FILE":      filepath.Join(h.replicas[0].env["DATA_DIR"], "keys", "oidc-client-key.pem"),
		"OIDC_CORE_IDENTITY_ISSUER": "http://" + provider + "/core-identity/", "OIDC_CORE_IDENTITY_DID_URL": "http://" + provider + "/.well-known/did.json",
		"OIDC_CORE_IDENTITY_DID": "did:web:" + url.QueryEscape(provider),
	} {
		h.replicas[1].env[name] = value
	}
	for _, r := range h.replicas {
		r.env["APP_CLIENTS"] = h.appSettings()
	}
	return h
}

// bothHouses runs test in an embedded and in a replicated house.
func bothHouses(t *testing.T, test func(t *testing.T, h *house)) {
	t.Run("embedded", func(t *testing.T) { test(t, embedded(t)) })
	t.Run("two replicas", func(t *testing.T) { test(t, replicated(t)) })
}

func samplePerson(t testing.TB) lrs.SamplePerson {
	t.Helper()
	people, err := lrs.SamplePeople()
	if err != nil {
		t.Fatal(err)
	}
	return people[0]
}

// settle signs the person in and makes the view: of everything, but by a rule. A
// link on a view of everything would need a new sign-in every five minutes.
func (h *house) settle() {
	h.t.Helper()
	h.learner = newVisitor()
	h.learner.signIn(h.t, h.replicas[1], h.person.Subject)
	view := h.learner.must(h.t, h.replicas[0], createView, input("name", "All", "selection", map[string]any{"rule": map[string]any{"sources": []string{"AO", "NPD", "ILR", "QCFU", "OTHER"}}},
		"idempotencyKey", "view"))
	h.view = view.text("createConfiguredView", "configuredView", "id")
}

const (
	createView = `mutation($i: CreateConfiguredViewInput!) { createConfiguredView(input: $i) { configuredView { id } userErrors { code path } } }`
	createLink = `mutation($i: CreateShareLinkInput!) { createShareLink(input: $i) { shareLink { id url status } userErrors { code path } } }`
	redeemLink = `mutation($i: RedeemShareLinkInput!) { redeemShareLink(input: $i) { outcome { __typename
	  ... on SharedRecord { learner { familyName } reference redemptionId } ... on ShareUnavailable { reason } } userErrors { code path } } }`
	setSharing  = `mutation($i: SetSharingPreferenceInput!) { setSharingPreference(input: $i) { sharingPreference { optedOut } userErrors { code path } } }`
	revokeLink  = `mutation($i: RevokeShareLinkInput!) { revokeShareLink(input: $i) { shareLink { status } userErrors { code path } } }`
	revokeAll   = `mutation { revokeAllShareLinks { revokedCount userErrors { code } } }`
	unfreeze    = `mutation($i: UnfreezeShareLinkInput!) { unfreezeShareLink(input: $i) { shareLink { status } userErrors { code path } } }`
	raiseIssue  = `mutation($i: RaiseDataChallengeInput!) { raiseDataChallenge(input: $i) { dataChallenge { id } userErrors { code path } } }`
	readLink    = `query($id: ID!) { node(id: $id) { ... on ShareLink { redemptionCount status } } }`
	readSharing = `{ learner { sharingPreference { optedOut history { optedOut } } shareLinks(first: 100) { totalCount nodes { id status redemptionCount } } } }`
	readHistory = `query($f: AccessHistoryFilter) { learner { accessHistory(first: 1, filter: $f) { totalCount } } }`
	readEvents  = `{ learner { learningEvents(first: 100) { nodes { id } } dataChallenges(first: 100) { totalCount } } }`
	whoAmI      = `{ learner { uln } }`
)

// input makes the variables of a mutation from names and values.
func input(pairs ...any) map[string]any {
	in := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		in[pairs[i].(string)] = pairs[i+1]
	}
	return map[string]any{"i": in}
}

// link is a share link as its owner knows it.
type link struct{ id, secret string }

// newLink makes a link through the first replica.
func (h *house) newLink(more ...any) link {
	h.t.Helper()
	a := h.learner.must(h.t, h.replicas[0], createLink, input(append([]any{"viewId", h.view, "purpose", "EMPLOYMENT"}, more...)...))
	return linkOf(a)
}

func linkOf(a *answer) link {
	_, secret, _ := strings.Cut(a.text("createShareLink", "shareLink", "url"), "#")
	return link{a.text("createShareLink", "shareLink", "id"), secret}
}

// clear revokes every link and switches sharing on, so that rounds do not fill
// the learner's document.
func (h *house) clear() {
	h.t.Helper()
	h.learner.must(h.t, h.replicas[0], setSharing, input("optOut", false))
	h.learner.must(h.t, h.replicas[0], revokeAll, nil)
}

func redemption(secret, id, pin string) map[string]any {
	in := input("key", map[string]any{"token": secret}, "recipient", map[string]any{"name": "Sam Jones"}, "purpose", "EMPLOYMENT", "termsAccepted", true)
	fields := in["i"].(map[string]any)
	if id != "" {
		fields["redemptionId"] = id
	}
	if pin != "" {
		fields["pin"] = pin
	}
	return in
}

// outcomeOf gives what came of a redemption, in the words of the history.
func outcomeOf(a *answer) string {
	switch kind := a.text("redeemShareLink", "outcome", "__typename"); {
	case a.unsent():
		return ""
	case a.unknown():
		return lostOutcome
	case kind == "SharedRecord":
		return opened
	case kind == "ShareUnavailable":
		return a.text("redeemShareLink", "outcome", "reason")
	case kind == "TryAgainLater":
		return "" // certainly no effect
	default:
		return kind + a.code()
	}
}

// ownerOutcome is the same for what an owner does.
func ownerOutcome(a *answer) string {
	if a.unsent() {
		return ""
	}
	if a.unknown() {
		return lostOutcome
	}
	return done
}

// disclosures counts the access entries of openings of a link.
func (h *house) disclosures(l link, results ...string) int {
	h.t.Helper()
	return h.learner.must(h.t, h.replicas[0], readHistory, map[string]any{"f": map[string]any{"shareLinkId": l.id, "results": results}}).
		number("learner", "accessHistory", "totalCount")
}

// uses reads a link's count and status.
func (h *house) uses(r *replica, l link) (int, string) {
	h.t.Helper()
	a := h.learner.must(h.t, r, readLink, map[string]any{"id": l.id})
	return a.number("node", "redemptionCount"), a.text("node", "status")
}

// look is actLook at replica r.
func (h *house) look(r *replica, l link) string {
	h.t.Helper()
	n, _ := h.uses(r, l)
	return fmt.Sprintf("%d used, off %t", n, h.learner.must(h.t, r, readSharing, nil).at("learner", "sharingPreference", "optedOut") == true)
}

// crowd runs n calls, at most atOnce at the same time.
func crowd(n, atOnce int, call func(i int)) {
	jobs := make(chan int)
	ended := make(chan struct{})
	for range atOnce {
		go func() {
			for i := range jobs {
				call(i)
			}
			ended <- struct{}{}
		}()
	}
	for i := range n {
		jobs <- i
	}
	close(jobs)
	for range atOnce {
		<-ended
	}
}

// insist repeats call until its outcome is known, as a caller does that was told
// to try again.
func insist(ctx context.Context, call func() string) string {
	for {
		out := call()
		if out != lostOutcome && out != "" {
			return out
		}
		select {
		case <-ctx.Done():
			return out
		case <-time.After(20 * time.Millisecond):
		}
	}
}
