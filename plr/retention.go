package plr

import (
	"context"
	"time"
)

// Due says, kind by kind, before which instant an object's time must have
// ended for it to be removed. A zero instant removes nothing of its kind.
type Due struct {
	// Records were last updated before it.
	Records time.Time
	// Disclosures are access entries of openings (AccessDisclosed and
	// AccessDisclosedAgain) made before it.
	Disclosures time.Time
	// Attempts are all other access entries made before it.
	Attempts time.Time
	// ShareLinks were revoked before it, or expired before it and were not
	// edited since.
	ShareLinks time.Time
	// Views were deleted before it; a view that a kept link names is kept.
	Views time.Time
	// Challenges were closed, and last changed, before it.
	Challenges time.Time
	// Preferences are changes of the opt-out switch made before it. A learner's
	// newest one is always kept.
	Preferences time.Time
	// ClaimEntries were made before it.
	ClaimEntries time.Time
	// ReviewCases were closed before it.
	ReviewCases time.Time
	// ClaimTallies were last counted on before it.
	ClaimTallies time.Time
	// IdempotencyKeys were last used before it.
	IdempotencyKeys time.Time
}

// Purged counts what was removed, or would be.
type Purged struct {
	Records, Disclosures, Attempts, ShareLinks, Views, Challenges, Preferences, ClaimEntries, ReviewCases, ClaimTallies, IdempotencyKeys int
}

// DueAt is the retention table: what has had its time at now. The same table
// stands in docs/operators/data.md. Years and days are those of UTC: where clocks
// are put forward, 90 days of the local calendar can be an hour too short.
func DueAt(now time.Time) Due {
	now = now.UTC()
	return Due{
		Records:         now.AddDate(-66, 0, 0),
		Disclosures:     now.AddDate(-6, 0, 0),
		Attempts:        now.AddDate(0, 0, -90),
		ShareLinks:      now.AddDate(-6, 0, 0),
		Views:           now.AddDate(-6, 0, 0),
		Challenges:      now.AddDate(-6, 0, 0),
		Preferences:     now.AddDate(-6, 0, 0),
		ClaimEntries:    now.AddDate(-6, 0, 0),
		ReviewCases:     now.AddDate(-6, 0, 0),
		ClaimTallies:    now.Add(-2 * ClaimWindow),
		IdempotencyKeys: now.Add(-2 * IdempotencyLife), // whoever's clock is set back still finds the key
	}
}

// RetainedFrom is the instant from which a link's retention counts: when it was
// revoked, or else its end or its owner's last edit, whichever came later.
func RetainedFrom(revokedAt *time.Time, expiresAt, editedAt time.Time) time.Time {
	switch {
	case revokedAt != nil:
		return *revokedAt
	case editedAt.After(expiresAt):
		return editedAt
	default:
		return expiresAt
	}
}

// PurgedRow is one line of the retention table with what a purge found.
type PurgedRow struct {
	Count      int
	Kind, Rule string
}

// Rows gives the retention table, DueAt in words, in its order.
func (p Purged) Rows() []PurgedRow {
	return []PurgedRow{
		{p.Records, "records", "66 years after the last news from upstream"},
		{p.Disclosures, "access entries of openings", "6 years after the opening"},
		{p.Attempts, "access entries of failed attempts", "90 days after the attempt"},
		{p.ShareLinks, "share links", "6 years after they were revoked or expired"},
		{p.Views, "deleted views", "6 years after they were deleted, unless a link that is kept names them"},
		{p.Challenges, "closed data challenges", "6 years after their last change"},
		{p.Preferences, "moves of the sharing switch", "6 years after the move; the newest of each learner stays"},
		{p.ClaimEntries, "attempts to claim a record", "6 years after the attempt"},
		{p.ReviewCases, "closed review cases", "6 years after they were closed"},
		{p.ClaimTallies, "tallies of claims on a number", "2 days after the last claim"},
		{p.IdempotencyKeys, "idempotency keys", "2 days after their last use"},
	}
}

// RetentionStore forgets what its time has passed for.
type RetentionStore interface {
	// Purge removes what is due, or only counts it when dry. What belongs to an
	// object goes with it: a link's secret, a view's versions. A record's learner
	// keeps nothing else by it: the other kinds go by their own time. The work is
	// done in bounded steps, each atomic by itself, that leave room for others;
	// an error, or the end of ctx, may leave a first part removed, and repeating
	// the call is harmless. Nothing that changed so as to be no longer due while
	// Purge ran is removed.
	Purge(ctx context.Context, due Due, dry bool) (Purged, error)
}
