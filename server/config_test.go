package main

import (
	"strings"
	"testing"
)

func TestConfig(t *testing.T) {
	t.Parallel()
	production := map[string]string{
		"ENV": "production", "PUBLIC_URL": "https://records.example.org", "OIDC_ISSUER": "https://oidc.example.org/",
		"OIDC_CLIENT_ID": "records", "OIDC_CLIENT_KEY_FILE": "config_test.go", "OIDC_CLIENT_KEY_ID": "k1",
	}
	key := "k1:" + strings.Repeat("A", 43) + "="
	for name, c := range map[string]struct {
		base, change map[string]string
		faults       []string // every word must stand in the error; none for a good configuration
	}{
		"nothing set":                 {},
		"production":                  {base: production},
		"production without anything": {change: map[string]string{"ENV": "production"}, faults: []string{"PUBLIC_URL", "OIDC_ISSUER"}},
		"plain http outside":          {change: map[string]string{"PUBLIC_URL": "http://records.example.org"}, faults: []string{"PUBLIC_URL"}},
		"plain http in production":    {base: production, change: map[string]string{"PUBLIC_URL": "http://localhost:8080"}, faults: []string{"PUBLIC_URL"}},
		"path in the address":         {change: map[string]string{"PUBLIC_URL": "http://localhost:8080/app"}, faults: []string{"PUBLIC_URL"}},
		"unknown environment":         {change: map[string]string{"ENV": "staging"}, faults: []string{"ENV"}},
		"issuer by plain http":        {base: production, change: map[string]string{"OIDC_ISSUER": "http://localhost:8090"}, faults: []string{"OIDC_ISSUER"}},
		"issuer without client":       {change: map[string]string{"OIDC_ISSUER": "https://oidc.example.org"}, faults: []string{"OIDC_CLIENT_ID", "OIDC_CLIENT_KEY_FILE"}},
		"key file missing":            {base: production, change: map[string]string{"OIDC_CLIENT_KEY_FILE": "/nowhere"}, faults: []string{"OIDC_CLIENT_KEY_FILE"}},
		"wrong algorithms":            {base: production, change: map[string]string{"OIDC_CLIENT_ASSERTION_ALG": "HS256", "OIDC_ID_TOKEN_ALG": "none"}, faults: []string{"OIDC_CLIENT_ASSERTION_ALG", "OIDC_ID_TOKEN_ALG"}},
		"provider on the network":     {change: map[string]string{"DEVOP_ADDR": "0.0.0.0:8090"}, faults: []string{"DEVOP_ADDR"}},
		"key lists":                   {change: map[string]string{"LINK_KEYS": key, "SESSION_KEYS": key}},
		"short key":                   {change: map[string]string{"LINK_KEYS": "k1:QUJDsecret"}, faults: []string{"LINK_KEYS"}},
		"key twice":                   {change: map[string]string{"SESSION_KEYS": key + "," + key}, faults: []string{"SESSION_KEYS"}},
		"half of TLS":                 {change: map[string]string{"TLS_CERT_FILE": "a.pem"}, faults: []string{"TLS_CERT_FILE"}},
		"not a flag":                  {change: map[string]string{"EXPLORER": "maybe", "SCHEMA_OPEN": "2"}, faults: []string{"EXPLORER", "SCHEMA_OPEN"}},
		"all at once":                 {change: map[string]string{"ENV": "x", "PUBLIC_URL": "ftp://x", "LISTEN_ADDR": "x", "EXPLORER": "x"}, faults: []string{"ENV", "PUBLIC_URL", "LISTEN_ADDR", "EXPLORER"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := readConfig(func(setting string) string {
				if v, ok := c.change[setting]; ok {
					return v
				}
				return c.base[setting]
			})
			if len(c.faults) == 0 {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil {
				t.Fatal("accepted")
			}
			for _, word := range c.faults {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%q does not name %s", err, word)
				}
			}
			if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "QUJDsecret") {
				t.Errorf("the error repeats a secret: %v", err)
			}
		})
	}
}
