package devop_test

import (
	"crypto/ecdsa"
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"golang.org/x/oauth2"

	"openplr/devop"
)

const (
	vocab        = "https://vocab.account.gov.uk/v1/"
	coreIdentity = vocab + "coreIdentityJWT"
	address      = vocab + "address"
	returnCode   = vocab + "returnCode"

	allClaims = `{"userinfo":{"` + coreIdentity + `":null,"` + address + `":{"essential":true},"` + returnCode + `":null}}`
)

var (
	bethan = devop.Person{
		Subject: "urn:fdc:gov.uk:2022:bethan", Name: "Bethan Wrenfield", GivenName: "Bethan Mair", FamilyName: "Wrenfield", BirthDate: "1987-10-30",
		PreviousNames: []devop.PersonName{{Given: "Bethan Mair", Family: "Oakhanger"}, {Given: "Bethan", Family: "Tarrow"}},
		PostCodes:     []string{"ZZ22 9BN", "ZZ20 7HD"}, Group: devop.GroupToClaim,
	}
	marcus = devop.Person{
		Subject: "urn:fdc:gov.uk:2022:marcus", Name: "Marcus", GivenName: "Marcus", FamilyName: "Netherby", BirthDate: "2009-08-06",
		PostCodes: []string{"ZZ25 2KJ"}, ReturnCodes: []string{"N", "C"}, Group: devop.GroupIdentityFails,
	}
)

func withClaimants(c *devop.Config) { c.People = append(c.People, bethan, marcus) }

// userInfo finishes a trip that has its code.
func (a *app) userInfo(tr trip, code string) map[string]any {
	a.t.Helper()
	tok, err := a.redeem(code, tr.verifier, a.assertion(nil))
	if err != nil {
		a.t.Fatal(err)
	}
	info, err := a.provider.UserInfo(a.ctx(), oauth2.StaticTokenSource(tok))
	if err != nil {
		a.t.Fatal(err)
	}
	var claims map[string]any
	if err := info.Claims(&claims); err != nil {
		a.t.Fatal(err)
	}
	return claims
}

// didKey reads the DID document as an app does: the whole kid must stand in it.
func (a *app) didKey(kid string) *ecdsa.PublicKey {
	a.t.Helper()
	r := a.get(a.cfg.CoreIdentity().DIDURL)
	var doc struct {
		ID              string `json:"id"`
		AssertionMethod []struct {
			ID, Type, Controller string
			PublicKeyJWK         jose.JSONWebKey `json:"publicKeyJwk"`
		} `json:"assertionMethod"`
	}
	if err := json.Unmarshal([]byte(r.body), &doc); err != nil || r.status != http.StatusOK {
		a.t.Fatal(r.status, err)
	}
	if control := r.header.Values("Cache-Control"); !reflect.DeepEqual(control, []string{"max-age=3600, private"}) {
		a.t.Errorf("Cache-Control: %q", control)
	}
	u := must(url.Parse(a.issuer))
	if doc.ID != "did:web:127.0.0.1%3A"+u.Port() || doc.ID != a.cfg.CoreIdentity().DID || strings.Contains(r.body, `"d"`) || len(doc.AssertionMethod) != 1 {
		a.t.Error(r.body)
	}
	m := doc.AssertionMethod[0]
	key, ok := m.PublicKeyJWK.Key.(*ecdsa.PublicKey)
	if !ok || m.ID != kid || !strings.HasPrefix(kid, doc.ID+"#") || m.Type != "JsonWebKey" || m.Controller != doc.ID || m.PublicKeyJWK.Algorithm != "ES256" {
		a.t.Fatalf("%s for %s", r.body, kid)
	}
	return key
}

func TestCoreIdentity(t *testing.T) {
	t.Parallel()
	clock := &fakeClock{at: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)}
	for name, edit := range map[string]func(*devop.Config){
		"as it is":         func(*devop.Config) {},
		"issuer and slash": func(c *devop.Config) { c.Issuer += "/" },
		"own issuer":       func(c *devop.Config) { c.CoreIdentityIssuer = "https://identity.example/" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, withClaimants, edit, func(c *devop.Config) { c.Now = clock.now })
			tr := a.trip()
			info := a.userInfo(tr, a.auto(tr, bethan.Subject, "vtr", `["Cl.Cm.P2"]`, "claims", allClaims))
			raw, _ := info[coreIdentity].(string)
			a.secret(raw, "Wrenfield", "Tarrow", "ZZ22 9BN")
			token, err := jwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.ES256})
			if err != nil {
				t.Fatal(err)
			}
			var std jwt.Claims
			var got struct {
				Vot string `json:"vot"`
				Vtm string `json:"vtm"`
				VC  struct {
					CredentialSubject map[string]any `json:"credentialSubject"`
				} `json:"vc"`
			}
			if err := token.Claims(a.didKey(token.Headers[0].KeyID), &std, &got); err != nil {
				t.Fatal(err)
			}
			wantIssuer := a.issuer + "/core-identity/"
			if name == "own issuer" {
				wantIssuer = "https://identity.example/"
			}
			if std.Issuer != wantIssuer || std.Issuer != a.cfg.CoreIdentity().Issuer || std.Subject != bethan.Subject || !reflect.DeepEqual(std.Audience, jwt.Audience{clientID}) {
				t.Errorf("%+v", std)
			}
			if !std.IssuedAt.Time().Equal(clock.now()) || !std.NotBefore.Time().Equal(clock.now()) || std.Expiry.Time().Sub(clock.now()) != 30*time.Minute {
				t.Errorf("times %+v", std)
			}
			if got.Vot != "P2" || got.Vtm != a.issuer+"/trustmark" {
				t.Errorf("vot %s, vtm %s", got.Vot, got.Vtm)
			}
			part := func(kind, value string) map[string]any { return map[string]any{"type": kind, "value": value} }
			want := map[string]any{
				"name": []any{
					map[string]any{"validFrom": "2024-06-01", "nameParts": []any{part("GivenName", "Bethan"), part("GivenName", "Mair"), part("FamilyName", "Wrenfield")}},
					map[string]any{"validFrom": "2022-06-01", "validUntil": "2024-06-01", "nameParts": []any{part("GivenName", "Bethan"), part("GivenName", "Mair"), part("FamilyName", "Oakhanger")}},
					map[string]any{"validUntil": "2022-06-01", "nameParts": []any{part("GivenName", "Bethan"), part("FamilyName", "Tarrow")}},
				},
				"birthDate": []any{map[string]any{"value": "1987-10-30"}},
			}
			if !reflect.DeepEqual(got.VC.CredentialSubject, want) {
				t.Errorf("got  %v\nwant %v", got.VC.CredentialSubject, want)
			}
			addresses, _ := json.Marshal(info[address])
			if string(addresses) != `[{"addressCountry":"GB","addressLocality":"SAMPLETON","buildingName":"","buildingNumber":"2","postalCode":"ZZ20 7HD","streetName":"SAMPLE STREET","validFrom":"2020-01-01","validUntil":"2023-01-01"},`+
				`{"addressCountry":"GB","addressLocality":"SAMPLETON","buildingName":"","buildingNumber":"1","postalCode":"ZZ22 9BN","streetName":"SAMPLE STREET","validFrom":"2023-01-01"}]` {
				t.Errorf("%s", addresses)
			}
			if _, ok := info[returnCode]; ok {
				t.Errorf("a return code for a proved identity: %v", info[returnCode])
			}
		})
	}
}

// The key of core identities is in the DID document alone, that of ID tokens in
// the key set alone.
func TestIdentityKeyIsApart(t *testing.T) {
	t.Parallel()
	a := newApp(t, withClaimants)
	tr := a.trip()
	raw, _ := a.userInfo(tr, a.auto(tr, bethan.Subject, "vtr", `["Cl.Cm.P2"]`, "claims", allClaims))[coreIdentity].(string)
	keys := oidc.NewRemoteKeySet(a.ctx(), a.issuer+"/.well-known/jwks.json")
	if _, err := keys.VerifySignature(a.ctx(), raw); err == nil {
		t.Error("the key set checks a core identity")
	}
	if _, err := keys.VerifySignature(a.ctx(), a.idToken(bethan.Subject)); err != nil {
		t.Error(err)
	}
}

func TestIdentityIsGivenAsAsked(t *testing.T) {
	t.Parallel()
	only := func(name string) string { return `{"userinfo":{"` + name + `":null}}` }
	tests := map[string]struct {
		subject, vtr, claims string
		want                 []string // nil: access_denied
	}{
		"all":                               {bethan.Subject, `["Cl.Cm.P2"]`, allClaims, []string{coreIdentity, address}},
		"core identity alone":               {bethan.Subject, `["Cl.Cm.P2"]`, only(coreIdentity), []string{coreIdentity}},
		"address alone":                     {bethan.Subject, `["Cl.Cm.P2"]`, only(address), []string{address}},
		"nothing asked":                     {bethan.Subject, `["Cl.Cm.P2"]`, "", []string{}},
		"P1 or P2":                          {bethan.Subject, `["Cl.Cm.P1","Cl.Cm.P2"]`, allClaims, []string{coreIdentity, address}},
		"P1":                                {bethan.Subject, `["Cl.Cm.P1"]`, allClaims, []string{}},
		"no identity level":                 {bethan.Subject, `["Cl.Cm"]`, allClaims, []string{}},
		"no level":                          {bethan.Subject, "", allClaims, []string{}},
		"no address":                        {mari.Subject, `["Cl.Cm.P2"]`, allClaims, []string{coreIdentity}},
		"fails":                             {marcus.Subject, `["Cl.Cm.P2"]`, allClaims, []string{returnCode}},
		"fails, return code alone":          {marcus.Subject, `["Cl.Cm.P2"]`, only(returnCode), []string{returnCode}},
		"fails, return code not asked":      {marcus.Subject, `["Cl.Cm.P2"]`, only(coreIdentity), nil},
		"fails, nothing asked":              {marcus.Subject, `["Cl.Cm.P2"]`, "", nil},
		"would fail, but no identity level": {marcus.Subject, `["Cl.Cm"]`, allClaims, []string{}},
		"nothing to prove":                  {tom.Subject, `["Cl.Cm.P2"]`, only(coreIdentity), nil},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, withClaimants)
			tr := a.trip()
			form := a.formOf(a.get(a.authorizeURL(tr, "scope", "openid", "vtr", tc.vtr, "claims", tc.claims)))
			r := a.do(http.MethodPost, form, url.Values{"subject": {tc.subject}})
			if tc.want == nil {
				if q := r.location(t, callback); q.Get("error") != "access_denied" || q.Has("code") || q.Get("state") != tr.state {
					t.Errorf("callback got %v", q)
				}
				return
			}
			info := a.userInfo(tr, a.code(tr, r))
			want := map[string]bool{"sub": true}
			for _, name := range tc.want {
				want[name] = true
			}
			for name := range info {
				if !want[name] {
					t.Errorf("there is %s", name)
				}
				delete(want, name)
			}
			if len(want) > 0 {
				t.Errorf("missing: %v", want)
			}
			if codes, ok := info[returnCode]; ok && !reflect.DeepEqual(codes, []any{map[string]any{"code": "N"}, map[string]any{"code": "C"}}) {
				t.Errorf("return codes %v", codes)
			}
		})
	}
}

func TestClaimsAreRefused(t *testing.T) {
	t.Parallel()
	for name, claims := range map[string]string{
		"no JSON":          "coreIdentityJWT",
		"an array":         "[]",
		"userinfo no list": `{"userinfo":["` + coreIdentity + `"]}`,
		"unknown claim":    `{"userinfo":{"` + vocab + `passport":null}}`,
		"in the ID token":  `{"id_token":{"` + coreIdentity + `":null}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			tr := a.trip()
			q := a.get(a.authorizeURL(tr, "vtr", `["Cl.Cm.P2"]`, "claims", claims)).location(t, callback)
			if q.Get("error") != "invalid_request" || q.Get("state") != tr.state {
				t.Errorf("callback got %v", q)
			}
		})
	}
}
