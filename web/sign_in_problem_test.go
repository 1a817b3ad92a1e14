package web

import (
	"testing"

	"openplr/signin"
)

// Every way sign-in can end has words of its own.
func TestEveryProblemHasWords(t *testing.T) {
	t.Parallel()
	listed := map[string]bool{}
	for _, code := range signin.PageProblems() {
		listed[string(code)] = true
		if _, ok := problemTexts[string(code)]; !ok {
			t.Errorf("no words for %s", code)
		}
	}
	for code := range problemTexts {
		if !listed[code] {
			t.Errorf("words for %s, which sign-in never gives", code)
		}
	}
}
