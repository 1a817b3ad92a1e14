package plr

import (
	"context"
	"crypto/rand"
	"testing"
	"testing/synctest"
	"time"
)

// guessStore keeps one link and counts its guesses.
type guessStore struct {
	Store
	link *ShareLink
}

func (s *guessStore) TakeGuess(_ context.Context, _ ULN, _ string, now time.Time) (bool, *ShareLink, error) {
	return s.link.TakeGuess(now), s.link.Clone(), nil
}

func (s *guessStore) SettleGuess(_ context.Context, _ ULN, _ string, right bool, now time.Time) error {
	s.link.SettleGuess(right, now)
	return nil
}

// While every hashing slot is taken the PIN is not looked at, and then it is no guess.
func TestBusyServiceCostsNoGuess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &guessStore{link: &ShareLink{PINHash: "$argon2id$v=19$m=19456,t=2,p=1$dGVzdA$dGVzdA", GuessesLeft: GuessBudget}}
		s, err := New(Config{
			Store: store, Now: time.Now, Random: rand.Reader, LinkKeys: LinkKeys{{ID: "k", Key: make([]byte, 32)}},
			PublicURL: "https://records.example.org", Marking: "OFFICIAL", PINSlots: 1,
		})
		if err != nil {
			t.Fatal(err)
		}
		s.pinSlots <- struct{}{} // somebody else's PIN is being hashed, and does not end
		for range GuessBudget + 1 {
			outcome, err := s.checkGuess(t.Context(), store.link, RedeemInput{PIN: "K7QX9Z"})
			if outcome != nil || CodeOf(err) != CodeUnavailable {
				t.Fatalf("%v, %v", outcome, err)
			}
		}
		if store.link.GuessesLeft != GuessBudget || store.link.frozen(s.now()) {
			t.Errorf("%d guesses left", store.link.GuessesLeft)
		}
	})
}
