package signin

import (
	"strings"
	"testing"

	"openplr/plr"
)

func TestVectors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		got, asked string
		want       bool
	}{
		{"Cl.Cm", "Cl.Cm", true}, {"Cm.Cl", "Cl.Cm", true}, {"Cl.Cm", "Cl", true}, {"Cl.Cm", "Cl.Cm.P2", true},
		{"Cl.Cm.P2", "Cl.Cm", true}, {"Cl", "Cl.Cm", false}, {"Cm", "Cl.Cm", false}, {"P2", "Cl", false}, {"", "Cl", false},
		{"Cl.Cm ", "Cl.Cm", false}, {"cl.cm", "Cl.Cm", false}, {"ClCm", "Cl.Cm", false}, {"Cl..Cm", "Cl.Cm", false},
		{strings.Repeat("Cl.", 20) + "Cm", "Cl.Cm", false},
	} {
		if got := coversCredentials(test.got, test.asked); got != test.want {
			t.Errorf("%q for %q: %t", test.got, test.asked, got)
		}
	}
	for vector, want := range map[string]int{"P2": 2, "Cl.Cm.P2": 2, "P0": 0, "Cl.Cm": -1, "": -1, "P1.P2": -1, "Px": -1, "P10": -1} {
		if got := identityLevel(vector); got != want {
			t.Errorf("level of %q: %d, want %d", vector, got, want)
		}
	}
}

// TestAttack15AssuranceTooLow: who signed in more weakly than asked for is not
// signed in.
func TestAttack15AssuranceTooLow(t *testing.T) {
	t.Parallel()
	for name, attack := range map[string]struct {
		bend   func(*house)
		config func(*Config)
		good   bool
	}{
		"as asked for":               {bend: claim("vot", "Cl.Cm"), good: true},
		"in another order":           {bend: claim("vot", "Cm.Cl"), good: true},
		"with identity besides":      {bend: claim("vot", "Cl.Cm.P2"), good: true},
		"more than asked for":        {bend: claim("vot", "Cl.Cm"), config: func(c *Config) { c.AuthVTR = "Cl" }, good: true},
		"not asked for":              {bend: claim("vot", "Cl"), config: func(c *Config) { c.AuthVTR = "" }, good: true},
		"not asked for, nor of form": {bend: claim("vot", 7), config: func(c *Config) { c.AuthVTR = "" }, good: true},
		"password only":              {bend: claim("vot", "Cl")},
		"identity only":              {bend: claim("vot", "P2")},
		"missing":                    {bend: claim("vot", nil)},
		"empty":                      {bend: claim("vot", "")},
		"no text":                    {bend: claim("vot", []string{"Cl.Cm"})},
		"null":                       {bend: func(h *house) { h.op.claims = func(c map[string]any) { c["vot"] = nil } }},
		"of no form":                 {bend: claim("vot", "Cl.Cm;canary")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, oneLogin, func(c *Config) {
				if attack.config != nil {
					attack.config(c)
				}
			})
			attack.bend(h)
			b := h.browser()
			if attack.good {
				b.signIn()
				if asked := h.config.AuthVTR != ""; asked != (b.held().Vector != "") || asked != (h.op.asked["vtr"] != nil) {
					t.Errorf("asked for %v, kept %q", h.op.asked["vtr"], b.held().Vector)
				}
				return
			}
			h.wantPage(b.back(h.op.authorize(b.leave(""))), ProblemAssuranceTooLow)
			h.book.edit(func(list map[string]*plr.Account) {
				if len(list) != 0 {
					t.Error("an account was made")
				}
			})
			b.want(isNobody)
		})
	}
	t.Run("on an identity trip", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t, oneLogin)
		b := h.browser()
		b.signIn()
		claim("vot", "Cl")(h)
		h.failsIdentity(b, ProblemAssuranceTooLow)
		if h.op.count("/userinfo") != 0 {
			t.Error("asked for names")
		}
	})
}
