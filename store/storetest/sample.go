package storetest

import (
	"fmt"
	"sync/atomic"
	"time"

	"openplr/plr"
)

// Everything in this file makes test data.

// T0 is the instant the tests begin at: a results day, 08:00 in the United Kingdom.
var T0 = time.Date(2026, 8, 20, 7, 0, 0, 0, time.UTC)

// ULN gives the n-th test number, from 0: valid by its check digit, and no two alike.
func ULN(n int) plr.ULN {
	stem := 900_000_000 + 2*n
	if uln := withCheckDigit(stem); uln.Valid() {
		return uln
	}
	// One stem in eleven has no check digit. Its odd neighbour weighs 2 more,
	// so that one has the check digit 8.
	return withCheckDigit(stem + 1)
}

func withCheckDigit(stem int) plr.ULN {
	sum := 0
	for weight, rest := 2, stem; rest > 0; weight, rest = weight+1, rest/10 {
		sum += weight * (rest % 10)
	}
	return plr.ULN(fmt.Sprintf("%d%d", stem, (10+11*100-sum)%11))
}

var made atomic.Int64

// NewULN gives a test number that no other call in this process gives.
func NewULN() plr.ULN { return ULN(int(made.Add(1))) }

// NewID gives an id in the form of kind's ids ("lnk", "vw", ...) that no other
// call in this process gives; later ids are the higher ones.
func NewID(kind string) string { return fmt.Sprintf("%s_%026d", kind, made.Add(1)) }

func ptr[T any](v T) *T { return &v }

// Account is an unbound account of a subject nobody else has.
func Account() *plr.Account {
	id := NewID("act")
	return &plr.Account{SchemaVersion: 1, ID: id, Issuer: "https://issuer.test", Subject: "subject of " + id, CreatedAt: T0}
}

// Event is a learning event with this number of the LRS, and every field filled.
func Event(eventID string) plr.LearningEvent {
	return plr.LearningEvent{
		ID: plr.EventIDOf(eventID), EventID: eventID,
		QualificationNumber: ptr("500/2345/" + eventID), QualificationType: ptr("GCSE (9 to 1)"), Subject: ptr("Cymraeg – ŵ, ŷ"),
		Level: ptr("Level 1/2"), Grade: &plr.Grade{Value: "A*"}, Credits: ptr(0), AwardDate: ptr(plr.Date("2025-08-21")),
		Status: ptr(plr.StatusFinal), Source: plr.SourceAO,
		AchievementProvider:    &plr.Organisation{UKPRN: ptr("10000000"), Name: ptr("Ysgol Brawf <& Test School>")},
		AwardingOrganisation:   &plr.Organisation{Code: ptr("TEST")},
		ParticipationStartDate: ptr(plr.Date("2023-09-01")), ParticipationEndDate: ptr(plr.Date("2025-07-01")),
		LanguageForAssessment: ptr("CYM"), CollectionType: ptr("W"), ReturnNumber: ptr("02"), Restriction: ptr(""),
		DateLoaded: ptr(T0.Add(-90 * 24 * time.Hour)), UnderDataChallenge: true,
		DataQuality: []plr.DataQualityNote{{Field: "credits", Code: plr.QualityNotANumber, Raw: ptr("n/a")}},
	}
}

// Update is news of a learner with n events of different content.
func Update(uln plr.ULN, n int) plr.RecordUpdate {
	u := plr.RecordUpdate{
		ULN: uln, EventsAnswer: true,
		Register: &plr.RegisterEntry{
			ULN: uln, GivenName: "Test", FamilyName: "Learner", PreferredGivenName: "Tést", DateOfBirth: "2009-02-28",
			LastKnownPostCode: "ZZ99 9ZZ", AbilityToShare: "1", VersionNumber: "3", CreatedDate: "2020-09-01", LastUpdatedDate: "2026-08-01",
		},
	}
	for range n {
		u.Events = append(u.Events, Event(fmt.Sprintf("%d", made.Add(1))))
	}
	return u
}

// View is a first version of a configured view, with a rule as its selection.
func View(uln plr.ULN) *plr.ConfiguredView {
	return &plr.ConfiguredView{
		SchemaVersion: 1, ID: NewID("vw"), ULN: uln, Name: "Prawf – test view", Fields: plr.DefaultFields(), Language: plr.LanguageWelsh,
		Selection: plr.ViewSelection{Rule: &plr.LearningEventFilter{
			QualificationTypes: []string{"GCSE"}, AwardedFrom: ptr(plr.Date("2020-01-01")), Sources: []plr.EventSource{plr.SourceAO}, Text: ptr("cymraeg"),
		}},
		Version: 1, CreatedAt: T0, UpdatedAt: T0,
	}
}

// Link is a link without a use limit and without a PIN that ends a day after T0.
func Link(uln plr.ULN) *plr.ShareLink {
	return &plr.ShareLink{
		ID: NewID("lnk"), ULN: uln, Label: ptr("my test label"), ViewID: NewID("vw"), ViewVersion: 1,
		CreatedAt: T0, EditedAt: T0, ExpiresAt: T0.Add(24 * time.Hour),
		Recipient: &plr.Recipient{Name: "Test Recipient", Organisation: ptr("Prawf Cyf"), Email: ptr("test@example.com")},
		Purpose:   plr.PurposeEmployment, Language: plr.LanguageEnglish, Version: 1, KeyID: "test-key",
	}
}

// WithPIN puts a PIN on a link, with a full budget of guesses.
func WithPIN(link *plr.ShareLink) *plr.ShareLink {
	link.PINHash, link.GuessesLeft = "$argon2id$v=19$m=19456,t=2,p=1$dGVzdA$dGVzdA", plr.GuessBudget
	return link
}

// WithLimit puts a use limit on a link.
func WithLimit(link *plr.ShareLink, uses int) *plr.ShareLink {
	link.MaxRedemptions = &uses
	return link
}

// Ref is what leads to link, under a hash that stands for its secret's.
func Ref(link *plr.ShareLink) plr.SecretRef {
	return plr.SecretRef{Hash: "hash-of-" + link.ID, ULN: link.ULN, LinkID: link.ID}
}

// Claim asks to open link at the instant, as a redemption nobody repeats.
func Claim(link *plr.ShareLink, now time.Time) plr.Claim {
	return plr.Claim{ULN: link.ULN, LinkID: link.ID, RedemptionHash: NewID("rdm"), LeaseID: NewID("lse"), Now: now}
}

// Challenge is an open data challenge raised at the instant.
func Challenge(uln plr.ULN, at time.Time) *plr.DataChallenge {
	return &plr.DataChallenge{
		SchemaVersion: 1, ID: NewID("dch"), ULN: uln, Reference: "DC-TEST-TEST-TEST", EventID: plr.EventIDOf("1"), Kind: plr.ChallengeWrongGrade,
		Explanation: "It was a 7.\nNot a 6.", ProposedValue: ptr("7"), Status: plr.ChallengeOpen, CreatedAt: at, UpdatedAt: at, Version: 1,
	}
}

// Entry is an access entry of a link at the instant.
func Entry(uln plr.ULN, linkID string, at time.Time, result plr.AccessResult) *plr.AccessEntry {
	return &plr.AccessEntry{
		SchemaVersion: 1, ID: NewID("acc"), ULN: uln, LinkID: linkID, ViewID: NewID("vw"), ViewVersion: 2, At: at,
		Result: result, Channel: plr.ChannelPage, Recipient: plr.Recipient{Name: "Test Recipient", Organisation: ptr("Prawf Cyf")},
		Purpose: plr.PurposeEducation, ItemsDisclosed: 3, FieldsDisclosed: plr.DefaultFields(), Reference: ptr("PLR-TEST-TEST-TEST"), RedemptionCount: 1,
	}
}

// Idempotency is a key's use at the instant; input stands for what was asked.
func Idempotency(key, input string, at time.Time) *plr.Idempotency {
	return &plr.Idempotency{Key: key, Hashes: []string{"hash of " + input, "hash of " + input + " by an older key"}, At: at}
}

// OwnedBy is the key's use by a learner. A nil one stays nil.
func OwnedBy(uln plr.ULN, idem *plr.Idempotency) *plr.Idempotency {
	if idem == nil {
		return nil
	}
	out := *idem
	out.ULN = uln
	return &out
}

// Identity is what a provider has proved of Update's learner at the instant.
func Identity(at time.Time) *plr.VerifiedIdentity {
	return &plr.VerifiedIdentity{
		Names:     []plr.VerifiedName{{Given: "Test Ŵyn", Family: "Learner"}, {Given: "Test", Family: "O’Former"}},
		BirthDate: "2009-02-28", PostCodes: []string{"ZZ10 1AA", "ZZ99 9ZZ"}, Route: plr.RouteOneLoginP2, ProvedAt: at,
	}
}

// ClaimEntry is the audit of a claim that failed at the instant.
func ClaimEntry(accountID string, at time.Time) *plr.ClaimEntry {
	return &plr.ClaimEntry{
		SchemaVersion: 1, ID: NewID("clm"), AccountID: accountID, ULN: NewULN(), At: at, Outcome: plr.ClaimBoundElsewhere,
		Matched: []plr.MatchAttribute{plr.MatchBirthDate, plr.MatchULN}, Restricted: true,
	}
}

// Review is a case to be opened at the instant. Its id is given by the store.
func Review(claimant string, uln plr.ULN, at time.Time) *plr.ReviewCase {
	return &plr.ReviewCase{
		SchemaVersion: 1, Kind: plr.ReviewBoundElsewhere, State: plr.ReviewOpen, Claimant: claimant, Holder: NewID("act"), ULN: uln,
		OpenedAt: at, HolderToldAt: ptr(at), Version: 1,
	}
}
