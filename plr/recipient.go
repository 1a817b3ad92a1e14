package plr

import (
	"slices"
	"strings"
)

// Recipient is a person or body a link is for, or who opened it, as stated.
type Recipient struct {
	Name         string
	Organisation *string
	Email        *string
}

// SharingPurpose is what a link is for. There is none for marketing or sale:
// the LRS privacy notice rules them out.
type SharingPurpose string

// The purposes.
const (
	PurposeEmployment        SharingPurpose = "EMPLOYMENT"
	PurposeEducation         SharingPurpose = "EDUCATION"
	PurposeAdvice            SharingPurpose = "ADVICE_AND_GUIDANCE"
	PurposeProfessionalEntry SharingPurpose = "PROFESSIONAL_REGISTRATION"
	PurposeOther             SharingPurpose = "OTHER"
)

var purposes = []SharingPurpose{PurposeEmployment, PurposeEducation, PurposeAdvice, PurposeProfessionalEntry, PurposeOther}

func (r *Recipient) check(faults *faultList, path ...string) {
	under := func(name string) []string { return append(slices.Clone(path), name) }
	faults.add(line(r.Name, maxPersonText, under("name")...))
	if r.Organisation != nil {
		faults.add(line(*r.Organisation, maxPersonText, under("organisation")...))
	}
	if r.Email != nil {
		if e := line(*r.Email, maxEmail, under("email")...); e != nil {
			faults.add(e)
		} else if name, domain, ok := strings.Cut(*r.Email, "@"); !ok || name == "" || !strings.Contains(domain, ".") || strings.ContainsAny(*r.Email, " <>,;") {
			faults.add(refuse(CodeInvalid, T("Enter an e-mail address like name@example.com.", "Rhowch gyfeiriad e-bost fel enw@enghraifft.com."), under("email")...))
		}
	}
}
