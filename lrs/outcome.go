package lrs

import "regexp"

// Outcome is what the LRS answered, in words.
type Outcome string

// Outcomes, with the response code each stands for.
const (
	OutcomeNoMatch        Outcome = "NO_MATCH"               // WSRC0001
	OutcomeTooManyMatches Outcome = "TOO_MANY_MATCHES"       // WSRC0002
	OutcomePossibleMatch  Outcome = "POSSIBLE_MATCH"         // WSRC0003
	OutcomeExactMatch     Outcome = "EXACT_MATCH"            // WSRC0004
	OutcomeRegistered     Outcome = "LEARNER_REGISTERED"     // WSRC0005
	OutcomeNotRegistered  Outcome = "LEARNER_NOT_REGISTERED" // WSRC0021
	// OutcomeLinkedLearner: asked for a number that was merged into another.
	OutcomeLinkedLearner    Outcome = "LINKED_LEARNER"    // WSRC0022
	OutcomeMalformedRequest Outcome = "MALFORMED_REQUEST" // WSEC0001
	OutcomeInvalidULN       Outcome = "INVALID_ULN"       // WSEC0136
	// OutcomeNotShared: the learner has opted not to share; there are no events.
	OutcomeNotShared Outcome = "NOT_SHARED" // WSEC0206
	// OutcomeNotVerified: the names given do not fit the number.
	OutcomeNotVerified Outcome = "NOT_VERIFIED" // WSEC0208
	// OutcomeFault: a SOAP fault in place of an answer.
	OutcomeFault Outcome = "FAULT"
	// OutcomeUnknown: no response code, or one that is not listed here.
	OutcomeUnknown Outcome = "UNKNOWN"
)

// Source of the codes: public code of two departments that call the service.
var outcomes = map[string]Outcome{
	"WSRC0001": OutcomeNoMatch,
	"WSRC0002": OutcomeTooManyMatches,
	"WSRC0003": OutcomePossibleMatch,
	"WSRC0004": OutcomeExactMatch,
	"WSRC0005": OutcomeRegistered,
	"WSRC0021": OutcomeNotRegistered,
	"WSRC0022": OutcomeLinkedLearner,
	"WSEC0001": OutcomeMalformedRequest,
	"WSEC0136": OutcomeInvalidULN,
	"WSEC0206": OutcomeNotShared,
	"WSEC0208": OutcomeNotVerified,
}

// brings says whether the outcome comes with a learner who may be imported. A
// possible match does not: choosing among people is never done by a program.
func (o Outcome) brings() bool { return o == OutcomeExactMatch || o == OutcomeLinkedLearner }

// aboutNumber says whether the outcome speaks about a number that the LRS
// accepted as one, so that it must stand the check.
func (o Outcome) aboutNumber() bool {
	return o.brings() || o == OutcomeNotShared || o == OutcomeNotVerified
}

var upstreamCodeForm = regexp.MustCompile(`^WS[A-Z]{2}[0-9]{4}$`)

// upstreamCode gives code if it looks like a code of the LRS. Anything else
// might be a person's data in the wrong place, so it is not passed on.
func upstreamCode(code string) string {
	if upstreamCodeForm.MatchString(code) {
		return code
	}
	return ""
}
