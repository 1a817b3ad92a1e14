package cluster_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A disk that is full: what writes says 503 and has no effect, what reads goes
// on, and nothing acknowledged is lost. The limit is on the size of the
// process's files, which fails as a full disk does and needs no rights.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	h := embedded(t)
	r := h.replicas[0]
	l := h.newLink()
	info, err := os.Stat(filepath.Join(r.env["DATA_DIR"], "openplr.db"))
	if err != nil {
		t.Fatal(err)
	}
	r.kill()
	r.shell = fmt.Sprintf(`ulimit -f %d; exec "$@"`, info.Size()/512)
	r.up()
	h.learner = newVisitor()
	h.learner.signIn(t, r, h.person.Subject)

	// Each opening is recorded; once there is no room for that, nothing is shown.
	openings, someone := 0, newVisitor()
	long := redemption(l.secret, "", "")
	long["i"].(map[string]any)["recipient"] = map[string]any{"name": strings.Repeat("n", 200), "organisation": strings.Repeat("o", 200)}
	for openings < 10_000 {
		a := someone.ask(r, redeemLink, long)
		if outcomeOf(a) != opened {
			if a.status != http.StatusServiceUnavailable || a.retryAfter == "" || strings.Contains(a.raw, h.person.FamilyName) {
				t.Errorf("a link on a full disk: %d %v %s", a.status, a.err, a.raw)
			}
			break
		}
		openings++
	}
	acked, refused := []string{l.id}, 0
	for range 40 {
		a := h.learner.ask(r, createLink, input("viewId", h.view, "purpose", "EMPLOYMENT", "label", strings.Repeat("x", 100)))
		switch {
		case !a.unknown():
			acked = append(acked, linkOf(a).id)
		case a.err != nil || a.status != http.StatusServiceUnavailable || a.retryAfter == "":
			t.Fatalf("a write on a full disk: %d %v %s", a.status, a.err, a.raw)
		default:
			refused++
		}
	}
	if openings == 10_000 || refused == 0 {
		t.Fatalf("the disk never got full: %d openings, %d writes refused", openings, refused)
	}
	if a := h.learner.ask(r, whoAmI, nil); a.text("learner", "uln") == "" {
		t.Errorf("reading: %s", a.raw)
	}
	if r.probe("/healthz") != http.StatusOK {
		t.Error("not alive")
	}

	r.kill()
	r.shell = ""
	r.up()
	h.learner = newVisitor()
	h.learner.signIn(t, r, h.person.Subject)
	for _, id := range acked {
		if _, status := h.uses(r, link{id: id}); status == "" {
			t.Errorf("an acknowledged link is gone: %s", id)
		}
	}
	if n := h.disclosures(l, "DISCLOSED"); n < openings {
		t.Errorf("%d openings recorded, %d answered", n, openings)
	}
	t.Logf("%d openings and %d links on the disk, %d writes refused", openings, len(acked), refused)
}

// Settings that cannot be are refused at the start, by name and never by value.
func TestInvalidSettings(t *testing.T) {
	t.Parallel()
	const secret = "canary-of-the-test"
	for name, c := range map[string]struct {
		env  map[string]string
		want string
	}{
		"environment":      {map[string]string{"ENV": secret}, "ENV"},
		"public address":   {map[string]string{"PUBLIC_URL": "ftp://" + secret}, "PUBLIC_URL"},
		"link keys":        {map[string]string{"LINK_KEYS": "a:" + secret}, "LINK_KEYS"},
		"session keys":     {map[string]string{"SESSION_KEYS": secret}, "SESSION_KEYS"},
		"Redis":            {map[string]string{"REDIS_URL": "redis://:" + secret + "@localhost:port"}, "REDIS_URL"},
		"MongoDB":          {map[string]string{"MONGODB_URI": "mongodb://user:" + secret + "@host:port/"}, "MONGODB_URI"},
		"a flag":           {map[string]string{"SCHEMA_OPEN": secret}, "SCHEMA_OPEN"},
		"half of TLS":      {map[string]string{"TLS_CERT_FILE": secret}, "TLS_KEY_FILE"},
		"client key":       {map[string]string{"OIDC_ISSUER": "https://id.example", "OIDC_CLIENT_ID": "x", "OIDC_CLIENT_KEY_ID": "y", "OIDC_CLIENT_KEY_FILE": "/" + secret}, "OIDC_CLIENT_KEY_FILE"},
		"no provider":      {map[string]string{"ENV": "production", "PUBLIC_URL": "https://records.example"}, "OIDC_ISSUER"},
		"plain production": {map[string]string{"ENV": "production", "PUBLIC_URL": "http://records.example"}, "PUBLIC_URL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReplica(t, name, c.env)
			r.start()
			code, said := r.awaitExit(10*time.Second), r.logs.String()
			if code == 0 || !strings.Contains(said, c.want) || strings.Contains(said, secret) {
				t.Errorf("exit code %d: %s", code, said)
			}
		})
	}
}
