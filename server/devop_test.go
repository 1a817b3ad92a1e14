package main

import (
	"debug/buildinfo"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"openplr/plr"
)

// providerModule is what the development provider is made of.
const providerModule = "github.com/luikyv/go-oidc"

// modules are those that a binary says it was built of, as "go version -m" does.
func modules(t *testing.T, path string) string {
	t.Helper()
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, m := range info.Deps {
		out = append(out, m.Path)
	}
	return strings.Join(out, "\n")
}

func TestProductionBinaryHasNoDevelopmentProvider(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "server")
	build := exec.CommandContext(t.Context(), "go", "build", "-tags", "nodevop", "-o", path, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if list := modules(t, path); strings.Contains(list, "luikyv") || !strings.Contains(list, "github.com/coreos/go-oidc/v3") {
		t.Errorf("the production binary is made of\n%s", list)
	}
	// This test is built of it, so the list would name it.
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if list := modules(t, self); !strings.Contains(list, providerModule) {
		t.Errorf("%s is not in\n%s", providerModule, list)
	}
}

// Who starts with a record and who has to claim one.
func TestSampleAccountsStartAsListed(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	for _, person := range samplePeople(t) {
		account, err := h.app.service.SignedIn(t.Context(), h.app.devop, person.Subject)
		if err != nil {
			t.Fatal(err)
		}
		if want := map[bool]plr.ULN{true: person.ULN}[person.Bound]; account.ULN != want {
			t.Errorf("%s (%s) starts with %q, not %q", person.Email, person.Group, account.ULN, want)
		}
	}
}

// The provider's two keys outlive a restart: signing out and proofs under way
// still work.
func TestDevopKeysAreKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seen := map[string]bool{}
	for range 2 {
		for _, name := range []string{"devop-signing-key.pem", "devop-identity-key.pem"} {
			key, err := devopKey(dir, name)
			if err != nil {
				t.Fatal(err)
			}
			public, err := key.PublicKey.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			seen[string(public)] = true
		}
	}
	if len(seen) != 2 {
		t.Errorf("%d keys", len(seen))
	}
}
