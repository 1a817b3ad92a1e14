package plr

import (
	"context"
	"io"
	"strings"
	"time"
)

// AccessEntry is one opening of a link, or an attempt that failed. Entries are
// only ever added.
type AccessEntry struct {
	SchemaVersion int
	ID            string
	ULN           ULN
	LinkID        string
	ViewID        string
	ViewVersion   int
	At            time.Time
	Result        AccessResult
	Channel       AccessChannel
	// Recipient and Purpose as stated by whoever opened the link; nobody checked them.
	Recipient Recipient
	Purpose   SharingPurpose
	// ItemsDisclosed is how many events were shown; FieldsDisclosed which fields.
	ItemsDisclosed  int
	FieldsDisclosed []RecordField
	// Reference is what the recipient was given to quote; nil for a failed attempt.
	Reference *string
	// RedemptionCount is the link's count after this opening.
	RedemptionCount int

	// ShareLink is filled when the history is read.
	ShareLink *ShareLink `json:"-"`
}

// IsNode marks AccessEntry as one of the API's nodes.
func (AccessEntry) IsNode() {}

// AccessResult is what came of an attempt to open a link.
type AccessResult string

// The results.
const (
	AccessDisclosed      AccessResult = "DISCLOSED"
	AccessDisclosedAgain AccessResult = "DISCLOSED_AGAIN"
	AccessWrongPIN       AccessResult = "WRONG_PIN"
	AccessFrozen         AccessResult = "LINK_FROZEN"
	AccessLinkExpired    AccessResult = "LINK_EXPIRED"
	AccessLinkPaused     AccessResult = "LINK_PAUSED"
	AccessLinkRevoked    AccessResult = "LINK_REVOKED"
	AccessLinkUsedUp     AccessResult = "LINK_USED_UP"
)

// Disclosed says whether data was shown.
func (r AccessResult) Disclosed() bool { return r == AccessDisclosed || r == AccessDisclosedAgain }

// AccessChannel is the way a link was opened.
type AccessChannel string

// The channels.
const (
	ChannelPage AccessChannel = "PAGE"
	ChannelAPI  AccessChannel = "API"
)

// AccessHistoryFilter chooses entries.
type AccessHistoryFilter struct {
	ShareLinkID *string
	// Results: any of these.
	Results []AccessResult
}

// AccessQuery is what a store is asked for: newest first, behind a place.
type AccessQuery struct {
	LinkID  string
	Results []AccessResult
	// BeforeAt and BeforeID: only entries older than this place; zero for the start.
	BeforeAt time.Time
	BeforeID string
	Limit    int
}

// AccessHistory gives one page of who opened the learner's links, newest first.
func (s *Service) AccessHistory(ctx context.Context, uln ULN, page PageRequest, filter *AccessHistoryFilter) (*Page[*AccessEntry], error) {
	if err := page.check(); err != nil {
		return nil, err
	}
	q := AccessQuery{Limit: page.First + 1}
	sort := "access"
	if filter != nil {
		q.Results = filter.Results
		if filter.ShareLinkID != nil {
			q.LinkID = *filter.ShareLinkID
		}
	}
	if page.After != nil {
		key, id, ok := parseCursor(*page.After, sort)
		at, err := time.Parse(time.RFC3339Nano, key)
		if !ok || err != nil || !isID(id, idAccess) {
			return nil, badCursor()
		}
		q.BeforeAt, q.BeforeID = at, id
	}
	if filter != nil && filter.ShareLinkID != nil && !isID(*filter.ShareLinkID, idLink) {
		return &Page[*AccessEntry]{HasPrevious: page.After != nil}, nil // as for a link that is not there
	}
	entries, total, err := s.store.AccessEntries(ctx, uln, q)
	if err != nil {
		return nil, err
	}
	out := &Page[*AccessEntry]{Total: total, HasNext: len(entries) > page.First, HasPrevious: page.After != nil}
	out.Items = entries[:min(page.First, len(entries))]
	if err := s.fillLinks(ctx, uln, out.Items); err != nil {
		return nil, err
	}
	for _, e := range out.Items {
		out.Cursors = append(out.Cursors, makeCursor(sort, timeKey(e.At), e.ID))
	}
	return out, nil
}

func (s *Service) accessEntry(ctx context.Context, uln ULN, id string) (*AccessEntry, error) {
	e, err := s.store.AccessEntry(ctx, uln, id)
	if err != nil {
		return nil, err
	}
	return e, s.fillLinks(ctx, uln, []*AccessEntry{e})
}

// fillLinks puts each entry's link on it, reading the learner's links once.
func (s *Service) fillLinks(ctx context.Context, uln ULN, entries []*AccessEntry) error {
	if len(entries) == 0 {
		return nil
	}
	links, err := s.allLinks(ctx, uln)
	if err != nil {
		return err
	}
	for _, e := range entries {
		for _, link := range links {
			if link.ID == e.LinkID {
				e.ShareLink = link
			}
		}
	}
	return nil
}

func (s *Service) newAccessEntry(link *ShareLink, in RedeemInput, result AccessResult) (*AccessEntry, error) {
	id, err := newID(s.random, idAccess)
	if err != nil {
		return nil, err
	}
	entry := &AccessEntry{
		SchemaVersion: 1, ID: id, ULN: link.ULN, LinkID: link.ID, ViewID: link.ViewID, ViewVersion: link.ViewVersion,
		At: s.now(), Result: result, Channel: in.Channel, Recipient: in.Recipient, Purpose: in.Purpose,
	}
	if result == AccessDisclosed {
		reference, err := newReference(s.random)
		if err != nil {
			return nil, err
		}
		entry.Reference = &reference
	}
	return entry, nil
}

// referenceAlphabet has no vowels and no look-alikes: references are read out on the telephone.
const referenceAlphabet = "BCDFGHJKMNPQRSTVWXYZ23456789"

// newReference makes a reference to quote: PLR- and three groups of four (58 bits).
func newReference(random io.Reader) (string, error) {
	var b strings.Builder
	b.WriteString("PLR")
	for i := range 12 {
		if i%4 == 0 {
			b.WriteByte('-')
		}
		c, err := pick(random, referenceAlphabet)
		if err != nil {
			return "", err
		}
		b.WriteByte(c)
	}
	return b.String(), nil
}

// pick draws one character without bias.
func pick(random io.Reader, alphabet string) (byte, error) {
	limit := 256 - 256%len(alphabet)
	var one [1]byte
	for {
		if _, err := io.ReadFull(random, one[:]); err != nil {
			return 0, err
		}
		if int(one[0]) < limit {
			return alphabet[int(one[0])%len(alphabet)], nil
		}
	}
}
