package signin

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"openplr/plr"
)

func TestNewReportsEveryFault(t *testing.T) {
	t.Parallel()
	good := func() Config {
		return Config{
			Issuer: issuer, ClientID: clientID, ClientKey: clientKey(), ClientKeyID: "client-1", PublicURL: publicURL,
			Accounts: &book{}, Redis: redis.NewClient(&redis.Options{}), SealKeys: []SealKey{{ID: "a", Key: make([]byte, 32)}},
			Logger: slog.New(slog.DiscardHandler),
		}
	}
	if _, err := New(good()); err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for want, spoil := range map[string]func(*Config){
		// 35: no plain http but on one's own machine.
		"PublicURL":                                 func(c *Config) { c.PublicURL = "http://records.example" },
		`PublicURL "https://r.example/"`:            func(c *Config) { c.PublicURL = "https://r.example/" },
		`PublicURL "https://r.example/x"`:           func(c *Config) { c.PublicURL = "https://r.example/x" },
		`PublicURL ""`:                              func(c *Config) { c.PublicURL = "" },
		`PublicURL "http://localhost.evil.example"`: func(c *Config) { c.PublicURL = "http://localhost.evil.example" },
		"Issuer":        func(c *Config) { c.Issuer = "http://op.example/" },
		`Issuer ""`:     func(c *Config) { c.Issuer = "" },
		"ClientID":      func(c *Config) { c.ClientID = "" },
		"ClientKey":     func(c *Config) { c.ClientKey = nil },
		"is not RSA":    func(c *Config) { c.ClientKey = ec },
		"AssertionAlg":  func(c *Config) { c.AssertionAlg = "ES256" },
		"IDTokenAlg":    func(c *Config) { c.IDTokenAlg = "HS256" },
		`IDTokenAlg "n`: func(c *Config) { c.IDTokenAlg = "none" },
		"openid":        func(c *Config) { c.Scopes = []string{"email"} },
		"Accounts":      func(c *Config) { c.Accounts = nil },
		"Redis":         func(c *Config) { c.Redis = nil },
		"SealKeys":      func(c *Config) { c.SealKeys = nil },
		"32 bytes":      func(c *Config) { c.SealKeys = []SealKey{{ID: "a", Key: make([]byte, 16)}} },
		`"a" stands`:    func(c *Config) { c.SealKeys = append(c.SealKeys, c.SealKeys[0]) },
		"is not 1 to":   func(c *Config) { c.SealKeys[0].ID = "a.b" },
		"WebIdle":       func(c *Config) { c.WebIdle = 61 * time.Minute },
		"WebAbsolute":   func(c *Config) { c.WebAbsolute = 25 * time.Hour },
		"UserAgent":     func(c *Config) { c.UserAgent = "a\r\nb" },
		`AuthVTR "P2"`:  func(c *Config) { c.AuthVTR = "P2" },
		`AuthVTR "Cl.`:  func(c *Config) { c.AuthVTR = "Cl.Cm.P2" },
		`AuthVTR "x"`:   func(c *Config) { c.AuthVTR = "x" },
		"Identity needs": func(c *Config) {
			oneLogin(c)
			c.Identity.VTR = ""
		},
		"Identity needs VTR":                     func(c *Config) { c.Identity.DID = identityDID },
		`Identity.VTR "Cl.Cm"`:                   func(c *Config) { oneLogin(c); c.Identity.VTR = "Cl.Cm" },
		`Identity.VTR "P2"`:                      func(c *Config) { oneLogin(c); c.Identity.VTR = "P2" },
		`Identity.VTR "Cl.Cm.P0"`:                func(c *Config) { oneLogin(c); c.Identity.VTR = "Cl.Cm.P0" },
		"Identity.Issuer":                        func(c *Config) { oneLogin(c); c.Identity.Issuer = issuer },
		`Identity.DID "did:key`:                  func(c *Config) { oneLogin(c); c.Identity.DID = "did:key:x" },
		`Identity.DID "did:web:x#y"`:             func(c *Config) { oneLogin(c); c.Identity.DID = "did:web:x#y" },
		"Identity.DIDURL":                        func(c *Config) { oneLogin(c); c.Identity.DIDURL = "http://identity.example/did.json" },
		`Identity.DIDURL "did`:                   func(c *Config) { oneLogin(c); c.Identity.DIDURL = identityDID },
		"AllowedOrigins: \"http://":              func(c *Config) { c.AllowedOrigins = []string{"http://spa.example"} },
		"AllowedOrigins: \"https://s.example/\"": func(c *Config) { c.AllowedOrigins = []string{"https://s.example/"} },
		"AllowedOrigins: \"*\"":                  func(c *Config) { c.AllowedOrigins = []string{"*"} },
		"rule 1 gives no":                        func(c *Config) { c.StaffRoles = []StaffRole{{Role: "ADMIN", Issuer: issuer, Subject: "x"}} },
		"rule 2 gives no":                        func(c *Config) { c.StaffRoles = []StaffRole{caseworker("x"), {Issuer: issuer, Subject: "x"}} },
		"rule 1 does not name":                   func(c *Config) { c.StaffRoles = []StaffRole{{Role: plr.RoleCaseworker, Subject: "x"}} },
		"not name our Issuer": func(c *Config) {
			c.StaffRoles = []StaffRole{{Role: plr.RoleCaseworker, Issuer: strings.TrimSuffix(issuer, "/"), Subject: "x"}}
		},
		"needs a subject": func(c *Config) { c.StaffRoles = []StaffRole{caseworker("")} },
		"and not both": func(c *Config) {
			c.StaffRoles = []StaffRole{{Role: plr.RoleCaseworker, Issuer: issuer, Subject: "x", Claim: "a", Value: "b"}}
		},
		"or a claim with a value": func(c *Config) {
			c.StaffRoles = []StaffRole{{Role: plr.RoleCaseworker, Issuer: issuer, Claim: "a"}}
		},
		"vouches for the public": func(c *Config) {
			c.AuthVTR = "Cl.Cm"
			c.StaffRoles = []StaffRole{{Role: plr.RoleCaseworker, Issuer: issuer, Claim: "a", Value: "b"}}
		},
		"that vouches for the public": func(c *Config) {
			oneLogin(c)
			c.AuthVTR = ""
			c.StaffRoles = []StaffRole{{Role: plr.RoleCaseworker, Issuer: issuer, Claim: "a", Value: "b"}}
		},
		"stands twice": func(c *Config) { c.OtherClientKeys = []ClientKey{{ID: "client-1", Key: opRSAKey().Public()}} },
	} {
		config := good()
		spoil(&config)
		if _, err := New(config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	_, err = New(Config{})
	for _, want := range []string{"Issuer", "PublicURL", "ClientID", "ClientKey", "Accounts", "Redis", "SealKeys"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("an empty Config: no word of %s in %v", want, err)
		}
	}
	staffed := good()
	oneLogin(&staffed)
	staffed.StaffRoles = []StaffRole{caseworker("urn:fdc:gov.uk:2022:x")}
	staffed.AllowedOrigins = []string{"https://spa.records.example"}
	if _, err := New(staffed); err != nil {
		t.Error(err)
	}
	loopback := good()
	oneLogin(&loopback)
	loopback.Identity.DIDURL = "http://127.0.0.1:8090/.well-known/did.json"
	loopback.PublicURL, loopback.Issuer = "http://localhost:8080", "http://127.0.0.1:8090"
	if _, err := New(loopback); err != nil {
		t.Error(err)
	}
}

func caseworker(subject string) StaffRole {
	return StaffRole{Role: plr.RoleCaseworker, Issuer: issuer, Subject: subject}
}

type noRandom struct{}

func (noRandom) Read([]byte) (int, error) { return 0, errors.New("canary: no randomness") }

func TestNoRandomness(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(c *Config) { c.Random = noRandom{} })
	resp := h.browser().get("/auth/login")
	if resp.StatusCode != http.StatusInternalServerError || len(resp.Cookies()) != 0 {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
}

// Redis keeps only hashes and sealed texts; every test checks that at its end by
// noSecrets, this one that noSecrets would find something.
func TestAttack65RedisHoldsNoSecret(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.browser()
	token := b.signIn()
	b.leave("")
	if len(h.secrets) < 6 {
		t.Fatalf("only %d secrets known", len(h.secrets))
	}
	dump := h.mini.Dump()
	for _, want := range []string{"lr:s:{" + hashOf(useWebSession, token) + "}", "lr:txn:{", ":epoch", ":idx"} {
		if !strings.Contains(dump, want) {
			t.Errorf("no %s in\n%s", want, dump)
		}
	}
}
