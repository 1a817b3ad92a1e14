package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// clientKeyFiles writes an RSA key and gives the files of both halves.
func clientKeyFiles(t *testing.T, dir, name string) (private, public string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	text, err := pemKey(key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	private, public = filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".pub.pem")
	for path, text := range map[string][]byte{private: text, public: pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return private, public
}

// A client key is replaced in three steps, each a restart: the new one is
// published, then it signs while the old one stays published, then the old one
// goes. The provider knows the signing key at every step.
func TestClientKeyRotation(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, firstPublic := clientKeyFiles(t, dir, "first")
	second, secondPublic := clientKeyFiles(t, dir, "second")
	base := map[string]string{"OIDC_ISSUER": "http://127.0.0.1:1/", "OIDC_CLIENT_ID": "openplr"}
	for _, step := range []struct {
		name, file, id, others string
		published              []string
	}{
		{"announced", first, "k1", "k2=" + secondPublic, []string{"k1", "k2"}},
		{"replaced", second, "k2", "k1=" + firstPublic, []string{"k2", "k1"}},
		{"replaced, private file named", second, "k2", " k1=" + first + " ,", []string{"k2", "k1"}},
		{"done", second, "k2", "", []string{"k2"}},
	} {
		t.Run(step.name, func(t *testing.T) {
			t.Parallel()
			env := map[string]string{"OIDC_CLIENT_KEY_FILE": step.file, "OIDC_CLIENT_KEY_ID": step.id, "OIDC_OTHER_CLIENT_KEYS": step.others}
			for k, v := range base {
				env[k] = v
			}
			h := newHarness(t, harnessOptions{env: env})
			p := h.browser().get("/.well-known/jwks.json")
			var set struct{ Keys []map[string]string }
			if err := json.Unmarshal([]byte(p.body), &set); err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, key := range set.Keys {
				ids = append(ids, key["kid"])
				if key["d"] != "" || key["p"] != "" {
					t.Error("a private key is published")
				}
			}
			if !slices.Equal(ids, step.published) {
				t.Errorf("published %v, want %v", ids, step.published)
			}
		})
	}
	for name, others := range map[string]string{
		"no id": "=" + firstPublic, "no file": "k9", "a missing file": "k9=" + filepath.Join(dir, "hunter2"), "not a key": "k9=" + filepath.Join("..", "go.mod"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := readConfig(func(setting string) string {
				return map[string]string{"OIDC_ISSUER": "https://oidc.example.org", "OIDC_CLIENT_ID": "openplr",
					"OIDC_CLIENT_KEY_FILE": first, "OIDC_CLIENT_KEY_ID": "k1", "OIDC_OTHER_CLIENT_KEYS": others}[setting]
			})
			if err == nil || !strings.Contains(err.Error(), "OIDC_OTHER_CLIENT_KEYS") || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%v", err)
			}
		})
	}
}
