package devop_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"openplr/devop"
)

// claimsOf reads a token of ours without checking it: others check.
func claimsOf(t *testing.T, raw string) map[string]any {
	t.Helper()
	token, err := jwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := token.UnsafeClaimsWithoutVerification(&claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

func TestLevels(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ vtr, vot string }{
		"none":                             {"", "Cl.Cm"},
		"password":                         {`["Cl"]`, "Cl"},
		"two factors":                      {`["Cl.Cm"]`, "Cl.Cm"},
		"either":                           {`["Cl.Cm","Cl"]`, "Cl"},
		"identity":                         {`["Cl.Cm.P2"]`, "Cl.Cm"},
		"identity first":                   {`["P2.Cl.Cm"]`, ""},
		"low identity":                     {`["Cl.Cm.P1"]`, "Cl.Cm"},
		"low or medium identity":           {`["Cl.Cm.P1", "Cl.Cm.P2"]`, "Cl.Cm"},
		"no identity":                      {`["Cl.Cm.P0"]`, "Cl.Cm"},
		"no identity, twice":               {`["Cl.Cm.P0","Cl.Cm"]`, "Cl.Cm"},
		"with and without identity":        {`["Cl.Cm.P2","Cl.Cm"]`, ""},
		"with identity and with P0":        {`["Cl.Cm.P2","Cl.Cm.P0"]`, ""},
		"identity without a second factor": {`["Cl.P2"]`, ""},
		"P0 without a second factor":       {`["Cl.P0"]`, ""},
		"identity alone":                   {`["P2"]`, ""},
		"second factor alone":              {`["Cm"]`, ""},
		"unknown identity":                 {`["Cl.Cm.P3"]`, ""},
		"two identities":                   {`["Cl.Cm.P1.P2"]`, ""},
		"one right and one wrong":          {`["Cl.Cm","x"]`, ""},
		"small letters":                    {`["cl.cm"]`, ""},
		"a string":                         {`"Cl.Cm"`, ""},
		"no JSON":                          {`Cl.Cm`, ""},
		"no vector":                        {`[]`, ""},
		"an empty vector":                  {`[""]`, ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			tr := a.trip()
			r := a.get(a.authorizeURL(tr, "login_hint", mari.Subject, "dev_auto", "1", "vtr", tc.vtr))
			if tc.vot == "" {
				q := r.location(t, callback)
				if q.Get("error") != "invalid_request" || q.Get("error_description") != "Request vtr not valid" || q.Get("state") != tr.state {
					t.Errorf("callback got %v", q)
				}
				return
			}
			tok, err := a.redeem(a.code(tr, r), tr.verifier, a.assertion(nil))
			if err != nil {
				t.Fatal(err)
			}
			if claims := claimsOf(t, rawIDToken(tok)); claims["vot"] != tc.vot || claims["vtm"] != a.issuer+"/trustmark" {
				t.Errorf("vot %v, vtm %v", claims["vot"], claims["vtm"])
			}
		})
	}
}

func TestEveryTripHasItsOwnSession(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	one, two := claimsOf(t, a.idToken(mari.Subject)), claimsOf(t, a.idToken(mari.Subject))
	first, _ := one["sid"].(string)
	if len(first) < 20 || first == two["sid"] || one["sub"] != two["sub"] {
		t.Errorf("sid %v and %v", one["sid"], two["sid"])
	}
}

func TestIssuerStandsAsWritten(t *testing.T) {
	t.Parallel()
	for _, slash := range []string{"", "/"} {
		a := newApp(t, func(c *devop.Config) { c.Issuer += slash })
		raw := a.idToken(mari.Subject) // checks the iss of the answer
		if iss := claimsOf(t, raw)["iss"]; iss != a.issuer+slash {
			t.Errorf("iss %v", iss)
		}
		// And a hint is one of ours again.
		if r := a.get(a.issuer + "/logout?id_token_hint=" + raw); r.status != http.StatusOK {
			t.Errorf("sign-out answers %d", r.status)
		}
		if r := a.get(a.issuer + "/trustmark"); !strings.Contains(r.body, `"idp":"`+a.iss+`"`) {
			t.Error(r.body)
		}
	}
}
