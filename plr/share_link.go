package plr

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// ShareLink lets whoever holds its secret open one view, until it ends. The
// part that decisions need stands in the learner's Sharing document.
type ShareLink struct {
	ID  string
	ULN ULN
	// Label is the owner's private note; no recipient sees it.
	Label *string
	// ViewID and ViewVersion: the version of the view the link was made on.
	ViewID      string
	ViewVersion int
	CreatedAt   time.Time
	// EditedAt is when the owner last set the end: see safeForRestricted.
	EditedAt  time.Time
	ExpiresAt time.Time
	// MaxRedemptions is the use limit; nil for none.
	MaxRedemptions  *int
	RedemptionCount int
	// PINHash is an Argon2id hash in PHC form; empty when no PIN is asked.
	PINHash string
	// GuessesLeft is what remains of the budget of PINs that may be tried.
	GuessesLeft int
	// GuessAt is when the last guess was taken: see frozen.
	GuessAt time.Time
	// FrozenAt is set when the last guess of the budget was wrong.
	FrozenAt *time.Time
	// Paused: by the owner's hand, apart from the opt-out switch.
	Paused bool
	// Generation of the Sharing document the link was made or resumed in.
	Generation int
	RevokedAt  *time.Time
	// Recipient is whom the owner made the link for; nil for anyone.
	Recipient *Recipient
	Purpose   SharingPurpose
	Language  Language
	// Version counts the owner's edits, from 1.
	Version int
	// KeyID names the key the secret is derived with.
	KeyID string
	// Redemptions: digests of redemption tokens with the time of first opening.
	Redemptions map[string]time.Time

	// Status is the link's state when it was read, filled by Service.
	Status LinkState `json:"-"`
}

// IsNode marks ShareLink as one of the API's nodes.
func (ShareLink) IsNode() {}

// PINRequired says whether opening asks for a PIN.
func (l *ShareLink) PINRequired() bool { return l.PINHash != "" }

// safeForRestricted says whether the link keeps the rules of the sensitive
// learners policy. A link made before its owner came under the policy may not;
// it stays paused until it does.
func (l *ShareLink) safeForRestricted() bool {
	return l.PINHash != "" && !l.ExpiresAt.After(l.EditedAt.Add(restrictedLinkLife))
}

// Clone copies the link deeply.
func (l *ShareLink) Clone() *ShareLink {
	out := *l
	out.Redemptions = maps.Clone(l.Redemptions)
	out.Label, out.MaxRedemptions = clone(l.Label), clone(l.MaxRedemptions)
	out.FrozenAt, out.RevokedAt = clone(l.FrozenAt), clone(l.RevokedAt)
	if out.Recipient = clone(l.Recipient); out.Recipient != nil {
		out.Recipient.Organisation, out.Recipient.Email = clone(l.Recipient.Organisation), clone(l.Recipient.Email)
	}
	return &out
}

func clone[E any](p *E) *E {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}

// LinkState is whether a link opens now, and if not, why.
type LinkState string

// The states, as in schema.graphqls.
const (
	LinkActive  LinkState = "ACTIVE"
	LinkExpired LinkState = "EXPIRED"
	LinkRevoked LinkState = "REVOKED"
	LinkPaused  LinkState = "PAUSED"
	LinkUsedUp  LinkState = "USED_UP"
	LinkFrozen  LinkState = "FROZEN"
)

// Rules for links.
const (
	// GuessBudget is how many wrong PINs freeze a link.
	GuessBudget = 5
	// MinLinkLife and MaxLinkLife bound how far away an expiry may be set.
	MinLinkLife = time.Hour
	MaxLinkLife = 365 * 24 * time.Hour

	adultLinkLife      = 30 * 24 * time.Hour
	minorLinkLife      = 7 * 24 * time.Hour
	restrictedLinkLife = 7 * 24 * time.Hour
	// freshLinkLife: a link that ends later than this needs a fresh sign-in.
	freshLinkLife = 30 * 24 * time.Hour
	minorUses     = 5
	maxUses       = 10_000
	maxLabel      = 100
	maxPersonText = 200
	maxEmail      = 254
	// guessTime is how long checking a guess may take before it counts as wrong.
	guessTime = 10 * time.Second
)

// frozen: the budget is spent. While the last guess is still being checked the
// link is only busy; if that check never reports back (its process died), the
// guess counts as wrong.
func (l *ShareLink) frozen(now time.Time) bool {
	return l.PINHash != "" && l.GuessesLeft == 0 && (l.FrozenAt != nil || !now.Before(l.GuessAt.Add(guessTime)))
}

// TakeGuess spends one guess of the budget before the PIN is looked at, so
// that guesses made in parallel or cut off still count. It reports whether the
// PIN may be checked.
func (l *ShareLink) TakeGuess(now time.Time) bool {
	if l.GuessesLeft == 0 {
		return false
	}
	l.GuessesLeft--
	l.GuessAt = now
	return true
}

// SettleGuess reports what the check of a taken guess found. A right PIN gets
// its guess back.
func (l *ShareLink) SettleGuess(right bool, now time.Time) {
	switch {
	case right:
		l.GuessesLeft, l.FrozenAt = min(l.GuessesLeft+1, GuessBudget), nil
	case l.GuessesLeft == 0 && l.FrozenAt == nil:
		l.FrozenAt = &now
	}
}

// ShareLinkInput is what an owner says when making a link.
type ShareLinkInput struct {
	ViewID string
	Label  *string
	// ExpiresAt: nil for the default (30 days; 7 for under-18s and restricted learners).
	ExpiresAt *time.Time
	// MaxRedemptions: nil for the default (none; 5 for under-18s).
	MaxRedemptions *int
	PIN            *string
	Recipient      *Recipient
	Purpose        SharingPurpose
	// Language of the page the recipient sees; empty for the view's.
	Language       Language
	IdempotencyKey *string
	// Fresh: the owner has just signed in. It says nothing about the link, so that
	// a repeat of the call is the same input without it.
	Fresh bool `json:"-"`
}

// opensMuch says whether a link on this view with this end lays so much open, or
// for so long, that its owner must just have signed in: somebody else at a
// screen that was left open shall not do it.
func (v *ConfiguredView) opensMuch(ends, now time.Time) bool {
	return v.Selection.Everything || ends.After(now.Add(freshLinkLife))
}

// CreateShareLink mints a link. CodeStepUpRequired when it opens much and the
// owner has not just signed in.
func (s *Service) CreateShareLink(ctx context.Context, uln ULN, in ShareLinkInput) (*ShareLink, error) {
	var faults faultList
	idem := s.idempotency(uln, "createShareLink", in.IdempotencyKey, in, &faults)
	made, err := s.madeBefore(ctx, idem, &faults)
	if err != nil {
		return nil, err
	}
	if made != "" {
		return s.ShareLink(ctx, uln, made)
	}
	l, err := s.Learner(ctx, uln)
	if err != nil {
		return nil, err
	}
	view, err := s.ConfiguredView(ctx, uln, in.ViewID)
	if err != nil {
		return nil, at(err, "viewId")
	}
	now := s.now()
	link := s.draftLink(l, view, in, now, &faults)
	if countIncluded(l.Record, &view.Selection) == 0 {
		faults.add(refuse(CodeViewEmpty, T(
			"This view shows none of your events at the moment. Change it, or choose another.",
			"Nid yw'r wedd hon yn dangos yr un o'ch digwyddiadau ar hyn o bryd. Newidiwch hi, neu dewiswch un arall."), "viewId"))
	}
	if err := faults.err(); err != nil {
		return nil, err
	}
	if !in.Fresh && view.opensMuch(link.ExpiresAt, now) {
		return nil, StepUpRequired(ActionShare)
	}
	if in.PIN != nil {
		if link.PINHash, err = s.hashPIN(ctx, *in.PIN); err != nil {
			return nil, err
		}
		link.GuessesLeft = GuessBudget
	}
	if link.ID, err = newID(s.random, idLink); err != nil {
		return nil, err
	}
	link.KeyID = s.linkKeys.Current().ID
	secret, _ := s.secretOf(link)
	restricted := l.Record.restricted()
	stored, err := s.store.CreateShareLink(ctx, link, SecretRef{Hash: secretHash(secret), ULN: uln, LinkID: link.ID}, idem,
		func(sh *Sharing) error { return sh.Admit(link, restricted) })
	if err != nil {
		return nil, err
	}
	return s.ShareLink(ctx, uln, stored.ID)
}

func (s *Service) draftLink(l *Learner, view *ConfiguredView, in ShareLinkInput, now time.Time, faults *faultList) *ShareLink {
	link := &ShareLink{
		ULN: l.ULN, Label: in.Label, ViewID: view.ID, ViewVersion: view.Version, CreatedAt: now, EditedAt: now,
		ExpiresAt: now.Add(adultLinkLife), MaxRedemptions: in.MaxRedemptions, Recipient: in.Recipient,
		Purpose: in.Purpose, Language: in.Language, Version: 1,
	}
	if link.Language == "" {
		link.Language = view.Language
	}
	minor, restricted := l.Record.minor(DateOf(now)), l.Record.restricted()
	if minor || restricted {
		link.ExpiresAt = now.Add(minorLinkLife)
	}
	if minor && in.MaxRedemptions == nil {
		n := minorUses
		link.MaxRedemptions = &n
	}
	if in.ExpiresAt != nil {
		link.ExpiresAt = in.ExpiresAt.UTC().Truncate(time.Millisecond)
	}
	faults.add(checkExpiry(link.ExpiresAt, now, restricted))
	if in.PIN != nil {
		faults.add(checkPIN(*in.PIN))
	} else if restricted {
		faults.add(refuse(CodeRequired, T("Your links need a PIN. Choose one of 4 to 12 digits or letters.",
			"Mae angen PIN ar eich dolenni. Dewiswch un o 4 i 12 digid neu lythyren."), "pin"))
	}
	link.checkDetails(faults)
	return link
}

// checkDetails checks what an owner can also edit later.
func (l *ShareLink) checkDetails(faults *faultList) {
	if l.Label != nil {
		faults.add(line(*l.Label, maxLabel, "label"))
	}
	if m := l.MaxRedemptions; m != nil && (*m < 1 || *m > maxUses) {
		faults.add(refuse(CodeOutOfRange, T(
			fmt.Sprintf("A use limit is between 1 and %d.", maxUses),
			fmt.Sprintf("Mae terfyn defnydd rhwng 1 a %d.", maxUses)), "maxRedemptions"))
	}
	if l.Recipient != nil {
		l.Recipient.check(faults, "recipient")
	}
	if !slices.Contains(purposes, l.Purpose) {
		faults.add(refuse(CodeRequired, T("Choose what the link is for.", "Dewiswch beth yw diben y ddolen."), "purpose"))
	}
	if !l.Language.Valid() {
		faults.add(refuse(CodeInvalid, T("Choose EN or CY.", "Dewiswch EN neu CY."), "language"))
	}
}

func checkExpiry(at, now time.Time, restricted bool) *Error {
	// The same day next year is 366 days away when 29 February lies between.
	latest, words := now.AddDate(1, 0, 0), T("Choose an end within one year from now.", "Dewiswch ddiwedd o fewn blwyddyn i nawr.")
	if year := now.Add(MaxLinkLife); year.After(latest) {
		latest = year
	}
	if restricted {
		latest, words = now.Add(restrictedLinkLife), T("Your links can last 7 days at most.", "Gall eich dolenni bara 7 diwrnod ar y mwyaf.")
	}
	switch {
	case at.Before(now.Add(MinLinkLife)):
		return refuse(CodeOutOfRange, T("Choose an end at least one hour from now.", "Dewiswch ddiwedd o leiaf awr o nawr."), "expiresAt")
	case at.After(latest):
		return refuse(CodeOutOfRange, words, "expiresAt")
	}
	return nil
}

// ShareLinkChange is an edit. A nil pointer means unchanged; Clear* take a
// value away.
type ShareLinkChange struct {
	ID                  string
	ExpectedVersion     int
	Label               *string
	ClearLabel          bool
	ExpiresAt           *time.Time
	MaxRedemptions      *int
	ClearMaxRedemptions bool
	Recipient           *Recipient
	ClearRecipient      bool
	Purpose             *SharingPurpose
	Language            *Language
	// Fresh: the owner has just signed in.
	Fresh bool
}

// UpdateShareLink edits a link, also one that has expired or is used up: that
// is how it is extended. A revoked link stays ended. CodeStepUpRequired when the
// edit gives a link that opens much a later end or more uses, and the owner has
// not just signed in; taking away is always free.
func (s *Service) UpdateShareLink(ctx context.Context, uln ULN, in ShareLinkChange) (*ShareLink, error) {
	l, err := s.Learner(ctx, uln)
	if err != nil {
		return nil, err
	}
	var view *ConfiguredView // a link never moves to another view, so it is read before the edit
	if !in.Fresh {
		if view, err = s.viewOfOwnLink(ctx, uln, in.ID); err != nil {
			return nil, err
		}
	}
	now := s.now()
	minor, restricted := l.Record.minor(DateOf(now)), l.Record.restricted()
	return s.editLink(ctx, uln, in.ID, func(sh *Sharing, link *ShareLink) error {
		if link.Version != in.ExpectedVersion {
			return versionMismatch(link.Version)
		}
		var faults faultList
		hadEnded := ended(sh.StateOf(link, now, restricted))
		before := *link
		set(&link.Label, in.Label, in.ClearLabel)
		set(&link.MaxRedemptions, in.MaxRedemptions, in.ClearMaxRedemptions)
		set(&link.Recipient, in.Recipient, in.ClearRecipient)
		if minor && link.MaxRedemptions == nil {
			faults.add(refuse(CodeRequired, T("Your links need a use limit until you are 18.", "Mae angen terfyn defnydd ar eich dolenni nes eich bod yn 18."), "maxRedemptions"))
		}
		if in.ExpiresAt != nil {
			link.ExpiresAt, link.EditedAt = in.ExpiresAt.UTC().Truncate(time.Millisecond), now
			faults.add(checkExpiry(link.ExpiresAt, now, restricted))
		}
		if in.Purpose != nil {
			link.Purpose = *in.Purpose
		}
		if in.Language != nil {
			link.Language = *in.Language
		}
		link.checkDetails(&faults)
		if hadEnded && sh.lasting(now, restricted) > MaxLiveLinks { // it lives again, and counts again
			faults.add(tooManyLinks())
		}
		if err := faults.err(); err != nil {
			return err
		}
		if view != nil && link.outlasts(&before) && view.opensMuch(link.ExpiresAt, now) {
			return StepUpRequired(ActionShare)
		}
		return nil
	})
}

// viewOfOwnLink gives the view that a link of this learner hangs on; nil when
// there is no such link, which the edit will find.
func (s *Service) viewOfOwnLink(ctx context.Context, uln ULN, id string) (*ConfiguredView, error) {
	sharing, err := s.store.Sharing(ctx, uln)
	if err != nil || sharing.Links[id] == nil {
		return nil, err
	}
	return s.ViewOfLink(ctx, sharing.Links[id])
}

// outlasts says whether the link can be opened later or more often than before.
func (l *ShareLink) outlasts(before *ShareLink) bool {
	return l.ExpiresAt.After(before.ExpiresAt) || (before.MaxRedemptions != nil && (l.MaxRedemptions == nil || *l.MaxRedemptions > *before.MaxRedemptions))
}

func set[T any](field **T, value *T, cleared bool) {
	if value != nil {
		*field = value
	} else if cleared {
		*field = nil
	}
}

// PauseShareLink stops a link until it is resumed.
func (s *Service) PauseShareLink(ctx context.Context, uln ULN, id string) (*ShareLink, error) {
	link, err := s.editLink(ctx, uln, id, func(_ *Sharing, link *ShareLink) error {
		link.Paused = true
		return nil
	})
	if err != nil {
		return nil, err
	}
	return link, s.awaitLeases(ctx, uln, id)
}

// ResumeShareLink makes a paused link work again, with the uses it had left.
func (s *Service) ResumeShareLink(ctx context.Context, uln ULN, id string) (*ShareLink, error) {
	l, err := s.Learner(ctx, uln)
	if err != nil {
		return nil, err
	}
	restricted := l.Record.restricted()
	return s.editLink(ctx, uln, id, func(sh *Sharing, link *ShareLink) error {
		if sh.Off(restricted) {
			return sharingOff()
		}
		if restricted && !link.safeForRestricted() {
			return refuse(CodeOutOfRange, T(
				"Your links need a PIN and can last 7 days at most. Make a new link.",
				"Mae angen PIN ar eich dolenni, a gallant bara 7 diwrnod ar y mwyaf. Gwnewch ddolen newydd."), "id")
		}
		link.Paused, link.Generation = false, sh.Generation
		return nil
	})
}

// UnfreezeShareLink grants a frozen link a new budget of guesses.
func (s *Service) UnfreezeShareLink(ctx context.Context, uln ULN, id string) (*ShareLink, error) {
	now := s.now()
	return s.editLink(ctx, uln, id, func(_ *Sharing, link *ShareLink) error {
		if !link.frozen(now) {
			return refuse(CodeAlreadyDone, T("This link is not frozen.", "Nid yw'r ddolen hon wedi'i rhewi."), "id")
		}
		link.GuessesLeft, link.FrozenAt = GuessBudget, nil
		return nil
	})
}

// editLink applies an owner's edit to a link that has not been revoked.
func (s *Service) editLink(ctx context.Context, uln ULN, id string, edit func(*Sharing, *ShareLink) error) (*ShareLink, error) {
	if !isID(id, idLink) {
		return nil, NotFound("id")
	}
	sharing, err := s.store.EditSharing(ctx, uln, func(sh *Sharing) error {
		link := sh.Links[id]
		if link == nil {
			return NotFound("id")
		}
		if err := edit(sh, link); err != nil {
			return err
		}
		link.Version++
		return nil
	})
	if CodeOf(err) == CodeNotFound && err != nil {
		if _, ended := s.store.RevokedShareLink(ctx, uln, id); ended == nil {
			return nil, refuse(CodeLinkEnded, T(
				"This link was revoked. Revoking cannot be undone: make a new link.",
				"Cafodd y ddolen hon ei diddymu. Ni ellir dadwneud hynny: gwnewch ddolen newydd."), "id")
		}
	}
	if err != nil {
		return nil, err
	}
	return sharing.Links[id], s.showStatus(ctx, sharing, sharing.Links[id])
}

// showStatus fills the links' Status.
func (s *Service) showStatus(ctx context.Context, sharing *Sharing, links ...*ShareLink) error {
	record, err := s.store.Record(ctx, sharing.ULN)
	if err != nil {
		return err
	}
	for _, link := range links {
		link.Status = sharing.StateOf(link, s.now(), record.restricted())
		if _, ok := s.secretOf(link); !ok {
			link.Status = LinkRevoked // its key was taken off the list, which kills it
		}
	}
	return nil
}

// RevokeShareLink ends a link for good. Revoking it again is no error.
func (s *Service) RevokeShareLink(ctx context.Context, uln ULN, id string) (*ShareLink, error) {
	if !isID(id, idLink) {
		return nil, NotFound("id")
	}
	if _, err := s.store.RevokeShareLinks(ctx, uln, []string{id}, s.now()); err != nil {
		return nil, err
	}
	if err := s.awaitLeases(ctx, uln, id); err != nil {
		return nil, err
	}
	return s.ShareLink(ctx, uln, id)
}

// RevokeAllShareLinks ends every link for good and says how many it ended.
func (s *Service) RevokeAllShareLinks(ctx context.Context, uln ULN) (int, error) {
	if _, err := s.Learner(ctx, uln); err != nil {
		return 0, err
	}
	n, err := s.store.RevokeShareLinks(ctx, uln, nil, s.now())
	if err != nil {
		return 0, err
	}
	return n, s.awaitLeases(ctx, uln, "")
}

// ShareLink gives the owner's link with this id, revoked ones too.
func (s *Service) ShareLink(ctx context.Context, uln ULN, id string) (*ShareLink, error) {
	if !isID(id, idLink) {
		return nil, NotFound("id")
	}
	sharing, err := s.store.Sharing(ctx, uln)
	if err != nil {
		return nil, err
	}
	link := sharing.Links[id]
	if link == nil {
		if link, err = s.store.RevokedShareLink(ctx, uln, id); err != nil {
			return nil, err
		}
	}
	return link, s.showStatus(ctx, sharing, link)
}

// ShareLinkFilter chooses links.
type ShareLinkFilter struct {
	Status *LinkState
	ViewID *string
}

// ShareLinks gives one page of the owner's links, newest first.
func (s *Service) ShareLinks(ctx context.Context, uln ULN, page PageRequest, filter *ShareLinkFilter) (*Page[*ShareLink], error) {
	links, err := s.allLinks(ctx, uln)
	if err != nil {
		return nil, err
	}
	if filter != nil {
		links = slices.DeleteFunc(links, func(link *ShareLink) bool {
			return (filter.ViewID != nil && link.ViewID != *filter.ViewID) || (filter.Status != nil && link.Status != *filter.Status)
		})
	}
	return paginate(links, page, keyset[*ShareLink]{
		sort: "links", descending: true,
		key: func(l *ShareLink) string { return timeKey(l.CreatedAt) },
		id:  func(l *ShareLink) string { return l.ID },
	})
}

// allLinks reads every link of a learner, revoked ones too, with its status.
func (s *Service) allLinks(ctx context.Context, uln ULN) ([]*ShareLink, error) {
	sharing, err := s.store.Sharing(ctx, uln)
	if err != nil {
		return nil, err
	}
	revoked, err := s.store.RevokedShareLinks(ctx, uln)
	if err != nil {
		return nil, err
	}
	links := make([]*ShareLink, 0, len(sharing.Links)+len(revoked))
	for _, link := range sharing.Links {
		links = append(links, link)
	}
	// A link on its way out may stand in both places; the document decides.
	links = append(links, slices.DeleteFunc(revoked, func(r *ShareLink) bool { return sharing.Links[r.ID] != nil })...)
	return links, s.showStatus(ctx, sharing, links...)
}

// at puts path on a refusal that has none of its own.
func at(err error, path ...string) error {
	var e *Error
	if errors.As(err, &e) && CodeOf(err) == CodeNotFound {
		return NotFound(path...)
	}
	return err
}

// countIncluded counts the events that a recipient would see.
func countIncluded(r *Record, sel *ViewSelection) int {
	n := 0
	for i := range r.Events {
		if e := &r.Events[i]; !e.hidden && sel.includes(e) {
			n++
		}
	}
	return n
}
