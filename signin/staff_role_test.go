package signin

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"

	"openplr/plr"
)

func TestStaffRoles(t *testing.T) {
	t.Parallel()
	both := []StaffRole{
		{Role: plr.RoleCaseworker, Issuer: issuer, Claim: "groups", Value: "cases"},
		{Role: plr.RoleSpecialist, Issuer: issuer, Claim: "groups", Value: "special"},
		{Role: plr.RoleCaseworker, Issuer: issuer, Claim: "groups", Value: "old-cases"},
		{Role: plr.RoleSpecialist, Issuer: issuer, Subject: "the-specialist"},
	}
	for name, test := range map[string]struct {
		rules []StaffRole
		bend  func(map[string]any)
		want  []plr.Role
	}{
		"no rules":               {bend: func(c map[string]any) { c["groups"] = "cases" }},
		"a learner":              {rules: both, bend: func(map[string]any) {}},
		"a text":                 {rules: both, bend: func(c map[string]any) { c["groups"] = "cases" }, want: []plr.Role{plr.RoleCaseworker}},
		"a list":                 {rules: both, bend: func(c map[string]any) { c["groups"] = []string{"x", "special", "cases"} }, want: []plr.Role{plr.RoleCaseworker, plr.RoleSpecialist}},
		"one role by two ways":   {rules: both, bend: func(c map[string]any) { c["groups"] = []string{"old-cases", "cases"} }, want: []plr.Role{plr.RoleCaseworker}},
		"a subject":              {rules: both, bend: func(c map[string]any) { c["sub"] = "the-specialist" }, want: []plr.Role{plr.RoleSpecialist}},
		"a subject that ends so": {rules: both, bend: func(c map[string]any) { c["sub"] = "not-the-specialist" }},
		"other case":             {rules: both, bend: func(c map[string]any) { c["groups"] = "Cases" }},
		"a part of a text":       {rules: both, bend: func(c map[string]any) { c["groups"] = "cases special" }},
		"a list of no texts":     {rules: both, bend: func(c map[string]any) { c["groups"] = []any{"cases", 7} }},
		"an object":              {rules: both, bend: func(c map[string]any) { c["groups"] = map[string]any{"cases": true} }},
		"null":                   {rules: both, bend: func(c map[string]any) { c["groups"] = nil }},
		"another claim":          {rules: both, bend: func(c map[string]any) { c["group"] = "cases" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, func(c *Config) { c.StaffRoles = test.rules })
			h.op.claims = test.bend
			b := h.browser()
			b.signIn()
			if got := b.held().Roles; !reflect.DeepEqual(got, test.want) {
				t.Errorf("roles %v, want %v", got, test.want)
			}
			r := httptest.NewRequest(http.MethodPost, publicURL+"/graphql", http.NoBody)
			r.AddCookie(&http.Cookie{Name: SessionCookie, Value: b.cookies[SessionCookie]})
			h.Identify(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if got := From(r.Context()).Roles; fmt.Sprint(got) != fmt.Sprint(test.want) {
					t.Errorf("who has roles %v", got)
				}
			})).ServeHTTP(httptest.NewRecorder(), r)
		})
	}
}

// Apps are for learners: a caseworker who signs in with one is no staff
// there.
func TestNobodyIsStaffInAnApp(t *testing.T) {
	t.Parallel()
	h := newAppHouse(t, func(c *Config) {
		c.StaffRoles = []StaffRole{{Role: plr.RoleCaseworker, Issuer: issuer, Subject: person}}
	})
	b := h.browser()
	b.signIn()
	if got := b.held().Roles; len(got) != 1 {
		t.Fatalf("in a browser: %v", got)
	}
	p := h.phone()
	p.signIn()
	if _, f := p.family(); len(f.Roles) != 0 {
		t.Errorf("in an app: %v", f.Roles)
	}
}
