package storetest

import (
	"testing"

	"openplr/plr"
)

func TestNumbersAreValidAndDifferent(t *testing.T) {
	t.Parallel()
	seen := map[plr.ULN]bool{}
	for n := range 100_000 {
		uln := ULN(n)
		if !uln.Valid() || uln[0] != '9' || seen[uln] {
			t.Fatalf("number %d is %s", n, uln)
		}
		seen[uln] = true
	}
}

func TestScribbleReachesEverything(t *testing.T) {
	t.Parallel()
	link := WithLimit(WithPIN(Link(NewULN())), 2)
	before := copyOf(t, link)
	scribble(link)
	if link.ID == before.ID || *link.Label == *before.Label || *link.Recipient.Email == *before.Recipient.Email || *link.MaxRedemptions == 2 {
		t.Fatalf("got %+v", link)
	}
	doc := plr.NewSharing(NewULN())
	doc.Links["a"] = WithPIN(Link(doc.ULN))
	kept := doc.Links["a"]
	scribble(doc)
	if len(doc.Links) != 0 || kept.PINHash != "scribbled" {
		t.Fatalf("got %+v, %+v", doc, kept)
	}
}
