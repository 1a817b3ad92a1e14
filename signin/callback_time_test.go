package signin

import (
	"context"
	"testing"
	"time"

	"openplr/plr"
)

// timedBook notes by when a callback must have its account.
type timedBook struct {
	*book
	deadline time.Time
}

func (b *timedBook) SignedIn(ctx context.Context, issuer, subject string) (*plr.Account, error) {
	b.deadline, _ = ctx.Deadline()
	return b.book.SignedIn(ctx, issuer, subject)
}

// The server gives an answer 30 seconds to be written. However slow the provider
// is, there must be one by then.
func TestCallbackEndsInTime(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	accounts := &timedBook{book: h.book}
	h.config.Accounts = accounts
	h.browser().signIn()
	if left := time.Until(accounts.deadline); left <= 0 || left > 25*time.Second {
		t.Errorf("%s left", left)
	}
}
