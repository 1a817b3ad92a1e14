package plr_test

import (
	"strings"
	"testing"

	"openplr/plr"
)

func TestSecretIn(t *testing.T) {
	t.Parallel()
	secret := strings.Repeat("aB3-_", 8) + "xyz"
	for pasted, want := range map[string]string{
		secret: secret,
		"https://records.example.org/s#" + secret: secret,
		" \thttps://h/s#" + secret + "\r\n":       secret,
		"(see https://h/s#" + secret + ").":       secret,
		"https://h/s#" + secret + ",":             secret,
		"https://h/s?lang=cy#" + secret + "\"":    secret,
		"https://h/s":                             "https://h/s",
		"":                                        "",
		"#":                                       "",
		strings.Repeat("x", 10000):                strings.Repeat("x", 10000),
	} {
		if got := plr.SecretIn(pasted); got != want {
			t.Errorf("%.60q: %.60q", pasted, got)
		}
	}
}

func FuzzParseLinkKeys(f *testing.F) {
	f.Add("a:" + strings.Repeat("A", 43) + "=")
	f.Add("a:b,c:d")
	f.Fuzz(func(t *testing.T, s string) {
		keys, err := plr.ParseLinkKeys(s)
		if err == nil && len(keys) == 0 {
			t.Error("no key and no error")
		}
		for _, k := range keys {
			if err == nil && (len(k.Key) < 32 || k.ID == "") {
				t.Errorf("%+v", k)
			}
		}
	})
}
