package plr

import (
	"context"
	"time"
)

// RegisterEntry is what the service keeps of a learner's entry in the Learner
// Register. It is an allow-list: fields of the register that are not here are
// counted at import and dropped, special-category data above all.
type RegisterEntry struct {
	ULN                ULN
	GivenName          string
	MiddleOtherName    string
	FamilyName         string
	PreferredGivenName string
	PreviousFamilyName string
	FamilyNameAtAge16  string
	DateOfBirth        Date
	LastKnownPostCode  string
	// AbilityToShare is the upstream sharing flag as received: "0", "1", "2" or "-1".
	AbilityToShare string
	// LinkedULNs are older numbers of the same person.
	LinkedULNs []ULN
	// Restricted marks a learner under the sensitive learners policy.
	Restricted bool
	// VersionNumber is the register's own edit counter.
	VersionNumber   string
	CreatedDate     Date
	LastUpdatedDate Date
}

// Record is everything held about one learner's learning: one document per ULN.
type Record struct {
	SchemaVersion int
	ULN           ULN
	// Register is nil while only events are known.
	Register *RegisterEntry
	// Events in no particular order, one per event id.
	Events []LearningEvent
	// NotSharedUpstream: the LRS answered WSEC0206 (the learner has opted not
	// to share) the last time events were asked for.
	NotSharedUpstream bool
	// LinkedULNs are older numbers that lead to this record.
	LinkedULNs []ULN
	UpdatedAt  time.Time
}

// Learner is the signed-in learner as the API shows them.
type Learner struct {
	ID                 string
	ULN                ULN
	GivenName          *string
	FamilyName         *string
	PreferredGivenName *string
	DateOfBirth        *Date
	// NotSharedUpstream: see Record.
	NotSharedUpstream bool

	// Record is read once per request and shared by everything below the learner.
	Record *Record
	// Challenges are all of the learner's data challenges, newest first.
	Challenges []*DataChallenge
}

// IsNode marks Learner as one of the API's nodes.
func (Learner) IsNode() {}

// Learner reads the learner with this number, their record and challenges.
// CodeIdentityRequired when uln is empty: the account is bound to no record.
func (s *Service) Learner(ctx context.Context, uln ULN) (*Learner, error) {
	if uln == "" {
		return nil, IdentityRequired()
	}
	record, err := s.store.Record(ctx, uln)
	if err != nil {
		return nil, err
	}
	challenges, err := s.store.DataChallenges(ctx, uln)
	if err != nil {
		return nil, err
	}
	markChallenged(record, challenges)
	return newLearner(record, challenges), nil
}

// IdentityRequired is the refusal of somebody who is signed in but whose
// account is bound to no record.
func IdentityRequired() *Error {
	return refuse(CodeIdentityRequired, T(
		"Your account is not yet connected to a learning record.",
		"Nid yw eich cyfrif wedi'i gysylltu â chofnod dysgu eto."))
}

func newLearner(record *Record, challenges []*DataChallenge) *Learner {
	l := &Learner{ID: idOf(idLearner, string(record.ULN)), ULN: record.ULN, NotSharedUpstream: record.NotSharedUpstream, Record: record, Challenges: challenges}
	if r := record.Register; r != nil {
		l.GivenName, l.FamilyName = optional(r.GivenName), optional(r.FamilyName)
		l.PreferredGivenName = optional(r.PreferredGivenName)
		if r.DateOfBirth != "" {
			l.DateOfBirth = &r.DateOfBirth
		}
	}
	return l
}

// restricted says whether the sensitive learners policy applies.
func (r *Record) restricted() bool { return r.Register != nil && r.Register.Restricted }

// minor says whether the learner is under 18 today. Somebody whose date of
// birth is not known gets the protective answer.
func (r *Record) minor(today Date) bool {
	return r.Register == nil || r.Register.DateOfBirth.ageOn(today) < 18
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
