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

// Whoever is taken out of the settings is no staff from the restart on, however
// long their session lives; what a claim said stays with the session.
func TestStaffRoleTakenAway(t *testing.T) {
	t.Parallel()
	bySubject := StaffRole{Role: plr.RoleCaseworker, Issuer: issuer, Subject: "the-caseworker"}
	byClaim := StaffRole{Role: plr.RoleCaseworker, Issuer: issuer, Claim: "groups", Value: "cases"}
	for name, test := range map[string]struct {
		before, after []StaffRole
		claim         string
		want          []plr.Role
	}{
		"nothing changed":       {[]StaffRole{bySubject}, []StaffRole{bySubject}, "", []plr.Role{plr.RoleCaseworker}},
		"the subject is gone":   {[]StaffRole{bySubject}, nil, "", nil},
		"another subject":       {[]StaffRole{bySubject}, []StaffRole{{Role: plr.RoleCaseworker, Issuer: issuer, Subject: "another"}}, "", nil},
		"another role":          {[]StaffRole{bySubject}, []StaffRole{{Role: plr.RoleSpecialist, Issuer: issuer, Subject: "the-caseworker"}}, "", nil},
		"another issuer":        {[]StaffRole{bySubject}, []StaffRole{{Role: plr.RoleCaseworker, Issuer: issuer + "x", Subject: "the-caseworker"}}, "", nil},
		"the claim stands":      {[]StaffRole{byClaim}, []StaffRole{byClaim}, "cases", []plr.Role{plr.RoleCaseworker}},
		"the claim is gone":     {[]StaffRole{byClaim}, nil, "cases", nil},
		"a rule for one, later": {nil, []StaffRole{bySubject}, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, func(c *Config) { c.StaffRoles = test.before })
			h.op.claims = func(c map[string]any) { c["sub"], c["groups"] = "the-caseworker", test.claim }
			b := h.browser()
			b.signIn()
			h.config.StaffRoles = test.after // the restart
			r := httptest.NewRequest(http.MethodPost, publicURL+"/graphql", http.NoBody)
			r.AddCookie(&http.Cookie{Name: SessionCookie, Value: b.cookies[SessionCookie]})
			who, err := h.identify(httptest.NewRecorder(), r, false)
			if err != nil || who.State != StateSignedIn || fmt.Sprint(who.Roles) != fmt.Sprint(test.want) {
				t.Errorf("%s with roles %v, %v", who.State, who.Roles, err)
			}
		})
	}
}
