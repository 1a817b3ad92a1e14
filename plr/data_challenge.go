package plr

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// DataChallenge is a learner's word that an event in their record is wrong.
// While it is open, every share shows the event as under challenge.
type DataChallenge struct {
	SchemaVersion int
	ID            string
	ULN           ULN
	// Reference is what the learner quotes on the telephone.
	Reference string
	// EventID is the API id of the event.
	EventID string
	Kind    DataChallengeKind
	// Explanation in the learner's words.
	Explanation string
	// ProposedValue is what the learner says is right.
	ProposedValue *string
	Status        DataChallengeStatus
	CreatedAt     time.Time
	UpdatedAt     time.Time
	Version       int

	// LearningEvent is filled when the record is read; nil when it is gone.
	LearningEvent *LearningEvent `json:"-"`
}

// IsNode marks DataChallenge as one of the API's nodes.
func (DataChallenge) IsNode() {}

// DataChallengeKind is what is wrong.
type DataChallengeKind string

// The kinds.
const (
	ChallengeWrongGrade    DataChallengeKind = "WRONG_GRADE"
	ChallengeWrongDate     DataChallengeKind = "WRONG_DATE"
	ChallengeWrongSubject  DataChallengeKind = "WRONG_SUBJECT"
	ChallengeWrongProvider DataChallengeKind = "WRONG_PROVIDER"
	ChallengeNotMine       DataChallengeKind = "NOT_MINE"
	ChallengeDuplicate     DataChallengeKind = "DUPLICATE"
	// ChallengeSensitive reports sensitive personal data: the event is hidden
	// from every share at once, until it is settled.
	ChallengeSensitive DataChallengeKind = "SENSITIVE_DATA"
	ChallengeOther     DataChallengeKind = "OTHER"
)

// DataChallengeStatus is where a challenge stands.
type DataChallengeStatus string

// The statuses.
const (
	ChallengeOpen      DataChallengeStatus = "OPEN"
	ChallengeWithdrawn DataChallengeStatus = "WITHDRAWN"
)

const (
	maxExplanation      = 4000
	maxProposed         = 200
	maxChallengesPerDay = 10
)

// DataChallengeInput is what a learner says.
type DataChallengeInput struct {
	EventID        string
	Kind           DataChallengeKind
	Explanation    string
	ProposedValue  *string
	IdempotencyKey *string
}

// RaiseDataChallenge opens a challenge of one event of the learner's record.
func (s *Service) RaiseDataChallenge(ctx context.Context, uln ULN, in DataChallengeInput) (*DataChallenge, error) {
	var faults faultList
	idem := s.idempotency(uln, "raiseDataChallenge", in.IdempotencyKey, in, &faults)
	made, err := s.madeBefore(ctx, idem, &faults)
	if err != nil {
		return nil, err
	}
	if made != "" {
		if err := s.contentChanged(ctx, uln); err != nil {
			return nil, err
		}
		return s.challengeOnEvent(ctx, uln, made)
	}
	l, err := s.Learner(ctx, uln)
	if err != nil {
		return nil, err
	}
	if l.LearningEvent(in.EventID) == nil {
		return nil, NotFound("eventId")
	}
	faults.add(paragraph(in.Explanation, maxExplanation, "explanation"))
	if in.ProposedValue != nil {
		faults.add(line(*in.ProposedValue, maxProposed, "proposedValue"))
	}
	if err := faults.err(); err != nil {
		return nil, err
	}
	now := s.now()
	id, err := newID(s.random, idChallenge)
	if err != nil {
		return nil, err
	}
	reference, err := newReference(s.random)
	if err != nil {
		return nil, err
	}
	challenge := &DataChallenge{
		SchemaVersion: 1, ID: id, ULN: uln, Reference: "DC" + reference[len("PLR"):], EventID: in.EventID, Kind: in.Kind,
		Explanation: in.Explanation, ProposedValue: in.ProposedValue, Status: ChallengeOpen, CreatedAt: now, UpdatedAt: now, Version: 1,
	}
	stored, err := s.store.CreateDataChallenge(ctx, challenge, idem, func(existing []*DataChallenge) error {
		return admitChallenge(existing, challenge)
	})
	if err != nil && CodeOf(err) == CodeAlreadyDone { // perhaps by a call whose answer was lost
		return nil, cmp.Or(s.contentChanged(ctx, uln), err)
	}
	if err != nil {
		return nil, err
	}
	// From now on every share shows the challenge, or hides the event.
	if err := s.contentChanged(ctx, uln); err != nil {
		return nil, err
	}
	return s.challengeOnEvent(ctx, uln, stored.ID)
}

func admitChallenge(existing []*DataChallenge, c *DataChallenge) error {
	today := 0
	for _, e := range existing {
		if e.CreatedAt.After(c.CreatedAt.Add(-24 * time.Hour)) {
			today++
		}
		if e.Status == ChallengeOpen && e.EventID == c.EventID && e.Kind == c.Kind {
			return refuse(CodeAlreadyDone, T("You have already challenged this, and the challenge is open.",
				"Rydych eisoes wedi herio hyn, ac mae'r her ar agor."), "eventId")
		}
	}
	if today >= maxChallengesPerDay {
		return refuse(CodeLimitReached, T("You can raise 10 challenges in 24 hours. Try again later.",
			"Gallwch godi 10 her mewn 24 awr. Rhowch gynnig arall arni yn nes ymlaen."))
	}
	return nil
}

// WithdrawDataChallenge closes the learner's own challenge; the event then
// shows again as before.
func (s *Service) WithdrawDataChallenge(ctx context.Context, uln ULN, id string) (*DataChallenge, error) {
	if !isID(id, idChallenge) {
		return nil, NotFound("id")
	}
	now := s.now()
	if _, err := s.store.UpdateDataChallenge(ctx, uln, id, func(c *DataChallenge) error {
		if c.Status != ChallengeOpen {
			return refuse(CodeAlreadyDone, T("This challenge is no longer open.", "Nid yw'r her hon ar agor mwyach."), "id")
		}
		c.Status, c.UpdatedAt = ChallengeWithdrawn, now
		c.Version++
		return nil
	}); err != nil {
		return nil, err
	}
	return s.challengeOnEvent(ctx, uln, id)
}

// challengeOnEvent reads a challenge together with the event it is about.
func (s *Service) challengeOnEvent(ctx context.Context, uln ULN, id string) (*DataChallenge, error) {
	l, err := s.Learner(ctx, uln)
	if err != nil {
		return nil, err
	}
	if c := l.DataChallenge(id); c != nil {
		return c, nil
	}
	return nil, NotFound("id")
}

// DataChallengeFilter chooses challenges.
type DataChallengeFilter struct {
	Status *DataChallengeStatus
}

// DataChallengePage gives one page of the learner's challenges, newest first.
func (l *Learner) DataChallengePage(page PageRequest, filter *DataChallengeFilter) (*Page[*DataChallenge], error) {
	list := slices.Clone(l.Challenges)
	if filter != nil && filter.Status != nil {
		list = slices.DeleteFunc(list, func(c *DataChallenge) bool { return c.Status != *filter.Status })
	}
	return paginate(list, page, keyset[*DataChallenge]{
		sort: "challenges", descending: true,
		key: func(c *DataChallenge) string { return timeKey(c.CreatedAt) },
		id:  func(c *DataChallenge) string { return c.ID },
	})
}

// DataChallenge gives the learner's challenge with this id, or nil.
func (l *Learner) DataChallenge(id string) *DataChallenge {
	for _, c := range l.Challenges {
		if c.ID == id {
			return c
		}
	}
	return nil
}

// markChallenged puts challenges on the events they are about.
func markChallenged(record *Record, challenges []*DataChallenge) {
	for i := range record.Events {
		e := &record.Events[i]
		for _, c := range challenges {
			if c.EventID != e.ID {
				continue
			}
			e.DataChallenges = append(e.DataChallenges, c)
			c.LearningEvent = e
			if c.Status == ChallengeOpen {
				e.UnderDataChallenge = true
				e.hidden = e.hidden || c.Kind == ChallengeSensitive
			}
		}
	}
}
