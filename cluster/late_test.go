package cluster

import (
	"sync"
	"testing"

	"openplr/cluster/mongotest"
	"openplr/plr"
	"openplr/store/storetest"
)

// TestStoppedBetweenReadAndWrite: a claim and a renewal that were decided on the
// document as it was before the owner stopped the link, but are written after.
func TestStoppedBetweenReadAndWrite(t *testing.T) {
	server := mongotest.Start(t)
	front := server.Listen(t)
	recipient, owner := openStore(t, front.URI()+"late", patience, nil), openStore(t, server.URI()+"late", patience, nil)
	edit := func(do func(*plr.Sharing, *plr.ShareLink)) func(*plr.ShareLink) error {
		return func(link *plr.ShareLink) error {
			_, err := owner.EditSharing(t.Context(), link.ULN, func(sh *plr.Sharing) error { do(sh, sh.Links[link.ID]); return nil })
			return err
		}
	}
	for name, stop := range map[string]struct {
		act  func(*plr.ShareLink) error
		want plr.LinkState
	}{
		"an opt-out":     {edit(func(sh *plr.Sharing, _ *plr.ShareLink) { sh.OptOut(storetest.T0) }), plr.LinkPaused},
		"a pause":        {edit(func(_ *plr.Sharing, l *plr.ShareLink) { l.Paused = true }), plr.LinkPaused},
		"an earlier end": {edit(func(_ *plr.Sharing, l *plr.ShareLink) { l.ExpiresAt = storetest.T0 }), plr.LinkExpired},
		"a revocation": {func(link *plr.ShareLink) error {
			_, err := owner.RevokeShareLinks(t.Context(), link.ULN, nil, storetest.T0)
			return err
		}, plr.LinkRevoked},
	} {
		for way, command := range map[string]string{"claim": "findAndModify", "renewal": "update"} {
			t.Run(way+" around "+name, func(t *testing.T) {
				link := storetest.Link(storetest.NewULN())
				_, err := owner.CreateShareLink(t.Context(), link, storetest.Ref(link), nil, func(sh *plr.Sharing) error { return sh.Admit(link, false) })
				ok(t, err)
				held := storetest.Claim(link, storetest.T0)
				_, err = recipient.ClaimRedemption(t.Context(), held)
				ok(t, err)
				stopOnce := sync.OnceFunc(func() {
					if err := stop.act(link); err != nil {
						t.Error(err)
					}
				})
				front.Intercept(func(c *mongotest.Command) mongotest.Action {
					if c.Name != command {
						return mongotest.Action{}
					}
					return mongotest.Action{Before: stopOnce}
				})
				defer front.Intercept(nil)
				var state plr.LinkState
				if way == "claim" {
					r, err := recipient.ClaimRedemption(t.Context(), storetest.Claim(link, storetest.T0))
					ok(t, err)
					state = r.State
				} else {
					state, err = recipient.RenewLease(t.Context(), plr.Renewal{ULN: link.ULN, LinkID: link.ID, LeaseID: held.LeaseID, Now: storetest.T0})
					ok(t, err)
				}
				if state != stop.want {
					t.Fatalf("it is %s, want %s", state, stop.want)
				}
				doc, err := owner.Sharing(t.Context(), link.ULN)
				if ok(t, err); len(doc.Leases) != 1 {
					t.Fatalf("leases: %v", doc.Leases)
				}
			})
		}
	}
}
