package mongostore

import (
	"fmt"
	"testing"
	"time"

	"openplr/plr"
)

// The keys of a learner stand in one document, in which the opt-out switch must
// always find room.
func TestKeysAreBounded(t *testing.T) {
	made, start := map[string]use{}, time.Unix(1_800_000_000, 0)
	used := func(key string, at time.Time) error {
		return remember(made, &plr.Idempotency{Key: key, Hashes: []string{"hash"}, At: at}, "id of "+key)
	}
	for i := range plr.MaxIdempotencyKeys {
		if err := used(fmt.Sprint(i), start); err != nil {
			t.Fatal(err)
		}
	}
	if err := used("one more", start); plr.CodeOf(err) != plr.CodeLimitReached || len(made) != plr.MaxIdempotencyKeys {
		t.Fatalf("one key too many: %v, %d are held", err, len(made))
	}
	for i := range plr.MaxIdempotencyKeys { // none that counts was dropped
		if u, err := usedBefore(made, &plr.Idempotency{Key: fmt.Sprint(i), Hashes: []string{"hash"}, At: start}); err != nil || u == nil {
			t.Fatalf("key %d: %v, %v", i, u, err)
		}
	}
	if err := used("one more", start.Add(plr.IdempotencyLife+time.Millisecond)); err != nil || len(made) != 1 {
		t.Fatalf("a day later: %v, %d are held", err, len(made))
	}
}
