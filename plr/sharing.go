package plr

import "time"

// Sharing is the one document in which everything that must be decided
// together about a learner's sharing stands: the opt-out switch and every live
// link's state, expiry, uses and failed guesses. Redemption, revocation and
// opt-out meet on it, and one atomic operation decides.
//
// Its methods are pure: a store applies them to the current document inside
// one atomic step.
type Sharing struct {
	SchemaVersion int
	ULN           ULN
	// Revision counts writes; a store may use it to compare and swap.
	Revision int64
	// OptedOut is the switch. It says nothing until ChangedAt is set.
	OptedOut  bool
	ChangedAt *time.Time
	// Generation rises with every opt-out. A link is live only in the
	// generation it was made or resumed in, so that one write pauses all.
	Generation int
	// Edition rises whenever what the links may show has changed: a view was
	// edited, an event challenged. A claim names the edition its data was
	// gathered in, so that data gathered before a change never leaves after it.
	Edition int
	// Links by id; revoked links move out of the document.
	Links map[string]*ShareLink
	// Leases are disclosures past their last check, by lease id.
	Leases map[string]Lease
}

// Lease lets one disclosure finish. An opt-out is acknowledged only when none
// is live, so that no data leaves after the acknowledgement.
type Lease struct {
	LinkID string
	Until  time.Time
}

// LeaseLife bounds how long a disclosure may take past its last check.
const LeaseLife = 2 * time.Second

// clockSkew is how far replicas' clocks may differ. A lease is forgotten only
// this long after its end, so that a fast clock never overlooks a live one.
const clockSkew = 5 * time.Second

func (l Lease) live(now time.Time) bool { return now.Before(l.Until.Add(clockSkew)) }

// Limits of the aggregate. Revoked links are not counted.
const (
	MaxLiveLinks = 50
	MaxLinks     = 200
)

// NewSharing is the document of a learner who has not shared anything yet.
func NewSharing(uln ULN) *Sharing {
	return &Sharing{SchemaVersion: 1, ULN: uln, Links: map[string]*ShareLink{}, Leases: map[string]Lease{}}
}

// Off says whether sharing is switched off. A restricted learner's sharing
// starts switched off.
func (s *Sharing) Off(restricted bool) bool {
	return s.OptedOut || (s.ChangedAt == nil && restricted)
}

// Claim asks to open a link once.
type Claim struct {
	ULN    ULN
	LinkID string
	// RedemptionHash is the digest of the redemption's token: the same token
	// within RepeatWindow does not spend again.
	RedemptionHash string
	LeaseID        string
	Now            time.Time
	// Restricted: the learner's register entry carries the restriction now.
	Restricted bool
	// Edition of the Sharing document when the data was gathered.
	Edition int
}

// ClaimResult is the decision on a claim. The lease holds only when State is LinkActive.
type ClaimResult struct {
	State LinkState
	// Link is a copy as it stands after the claim.
	Link ShareLink
	// Repeat: the same redemption came again and nothing was spent.
	Repeat bool
	// Stale: the link is live, but what it may show changed since the data was
	// gathered. Nothing was spent and no lease taken: gather and claim again.
	Stale bool
}

// RepeatWindow is how long the holder of a redemption's token may open the
// link again without spending a use.
const RepeatWindow = 30 * time.Minute

// maxRedemptionsKept bounds the tokens remembered per link. Beyond it the
// oldest lose their repeat, which costs a link without a use limit nothing.
const maxRedemptionsKept = 64

// Claim decides whether a link opens now, spends a use unless it is a repeat,
// and takes the lease. It is the last check before data leaves.
func (s *Sharing) Claim(c Claim) ClaimResult {
	link := s.Links[c.LinkID]
	if link == nil {
		return ClaimResult{State: LinkRevoked}
	}
	openedAt, known := link.Redemptions[c.RedemptionHash]
	repeat := known && c.Now.Before(openedAt.Add(RepeatWindow))
	state := s.StateOf(link, c.Now, c.Restricted)
	if repeat && state == LinkUsedUp {
		state = s.stateBesideUses(link, c.Now, c.Restricted)
	}
	if state != LinkActive {
		return ClaimResult{State: state, Link: *link}
	}
	if c.Edition != s.Edition {
		return ClaimResult{State: state, Link: *link, Stale: true}
	}
	s.tidy(c.Now)
	if !repeat {
		for len(link.Redemptions) >= maxRedemptionsKept {
			delete(link.Redemptions, oldest(link.Redemptions))
		}
		link.RedemptionCount++
		if link.Redemptions == nil {
			link.Redemptions = map[string]time.Time{}
		}
		link.Redemptions[c.RedemptionHash] = c.Now
	}
	s.Leases[c.LeaseID] = Lease{LinkID: c.LinkID, Until: c.Now.Add(LeaseLife)}
	return ClaimResult{State: LinkActive, Link: *link, Repeat: repeat}
}

// Renewal asks for more time for a disclosure whose claim was granted.
type Renewal struct {
	ULN        ULN
	LinkID     string
	LeaseID    string
	Now        time.Time
	Restricted bool
	// Edition the data was gathered in.
	Edition int
}

// Renew decides again whether the link is live and, if it is, takes the lease
// anew: another last check, after which data may leave. The use was spent by
// the claim, so that a link used up by it is still live for it. Without the lease
// that a claim took, there is nothing to renew.
func (s *Sharing) Renew(r Renewal) LinkState {
	link := s.Links[r.LinkID]
	if link == nil {
		return LinkRevoked
	}
	if held, ok := s.Leases[r.LeaseID]; !ok || held.LinkID != r.LinkID || r.Edition != s.Edition {
		return LinkPaused // what was gathered must not leave any more
	}
	state := s.StateOf(link, r.Now, r.Restricted)
	if state == LinkUsedUp {
		state = s.stateBesideUses(link, r.Now, r.Restricted)
	}
	if state == LinkActive {
		s.Leases[r.LeaseID] = Lease{LinkID: r.LinkID, Until: r.Now.Add(LeaseLife)}
	}
	return state
}

// Release ends a lease before its time.
func (s *Sharing) Release(leaseID string) { delete(s.Leases, leaseID) }

// LiveLeases counts the disclosures still under way, of one link or of all ("").
func (s *Sharing) LiveLeases(linkID string, now time.Time) int {
	n := 0
	for _, l := range s.Leases {
		if l.live(now) && (linkID == "" || l.LinkID == linkID) {
			n++
		}
	}
	return n
}

// tidy forgets what time has ended: leases and repeat tokens.
func (s *Sharing) tidy(now time.Time) {
	for id, l := range s.Leases {
		if !l.live(now) {
			delete(s.Leases, id)
		}
	}
	for _, link := range s.Links {
		for hash, at := range link.Redemptions {
			if !now.Before(at.Add(RepeatWindow)) {
				delete(link.Redemptions, hash)
			}
		}
	}
}

func oldest(m map[string]time.Time) string {
	var first string
	for hash, at := range m {
		if first == "" || at.Before(m[first]) {
			first = hash
		}
	}
	return first
}

// StateOf gives a link's state now. Ends come before stops: whoever resumes a
// paused link must learn that it has also expired.
func (s *Sharing) StateOf(link *ShareLink, now time.Time, restricted bool) LinkState {
	switch {
	case link.RevokedAt != nil:
		return LinkRevoked
	case !now.Before(link.ExpiresAt):
		return LinkExpired
	case link.MaxRedemptions != nil && link.RedemptionCount >= *link.MaxRedemptions:
		return LinkUsedUp
	case link.frozen(now):
		return LinkFrozen
	case link.Paused, link.Generation != s.Generation, s.Off(restricted), restricted && !link.safeForRestricted():
		return LinkPaused
	default:
		return LinkActive
	}
}

// stateBesideUses is StateOf for somebody whose use is spent already.
func (s *Sharing) stateBesideUses(link *ShareLink, now time.Time, restricted bool) LinkState {
	unlimited := *link
	unlimited.MaxRedemptions = nil
	return s.StateOf(&unlimited, now, restricted)
}

// OptOut switches sharing off: one rise of the generation pauses every link.
func (s *Sharing) OptOut(now time.Time) {
	s.OptedOut, s.ChangedAt = true, &now
	s.Generation++
}

// OptIn switches sharing on. With resumeLinks, every link that its owner had
// not paused by hand works again; otherwise all stay paused.
func (s *Sharing) OptIn(now time.Time, resumeLinks bool) {
	if s.ChangedAt == nil {
		// The switch was off by default, which raised no generation: links from
		// before the restriction must not live again by themselves.
		s.Generation++
	}
	s.OptedOut, s.ChangedAt = false, &now
	if !resumeLinks {
		return
	}
	for _, link := range s.Links {
		if !link.Paused {
			link.Generation = s.Generation
			link.Version++
		}
	}
}

// Admit adds a new link if the limits allow it.
func (s *Sharing) Admit(link *ShareLink, restricted bool) error {
	if s.Off(restricted) {
		return sharingOff()
	}
	if s.lasting(link.CreatedAt, restricted) >= MaxLiveLinks || len(s.Links) >= MaxLinks {
		return tooManyLinks()
	}
	link.Generation = s.Generation
	s.Links[link.ID] = link
	return nil
}

// lasting counts the links that have not ended: paused and frozen ones count.
func (s *Sharing) lasting(now time.Time, restricted bool) int {
	n := 0
	for _, l := range s.Links {
		if !ended(s.StateOf(l, now, restricted)) {
			n++
		}
	}
	return n
}

// ended says whether a state is an end that only an owner's edit can undo.
func ended(state LinkState) bool {
	return state == LinkExpired || state == LinkUsedUp || state == LinkRevoked
}

func tooManyLinks() *Error {
	return refuse(CodeLimitReached, T(
		"You have as many links as you can have. Revoke some first.",
		"Mae gennych gymaint o ddolenni ag y cewch. Diddymwch rai yn gyntaf."))
}

// Clone copies the document deeply, so that a caller cannot change a store's copy.
func (s *Sharing) Clone() *Sharing {
	out := *s
	out.ChangedAt = clone(s.ChangedAt)
	out.Links = make(map[string]*ShareLink, len(s.Links))
	for id, l := range s.Links {
		out.Links[id] = l.Clone()
	}
	out.Leases = make(map[string]Lease, len(s.Leases))
	for id, l := range s.Leases {
		out.Leases[id] = l
	}
	return &out
}

func sharingOff() *Error {
	return refuse(CodeSharingOff, T(
		"You have switched sharing off. Switch it on first.",
		"Rydych wedi diffodd rhannu. Trowch ef ymlaen yn gyntaf."))
}
