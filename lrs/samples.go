package lrs

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"

	"openplr/plr"
)

//go:generate go run samples/generate.go samples/events.go samples/people.go samples/claimants.go samples/career.go samples

//go:embed samples/*.xml
var sampleFiles embed.FS

//go:embed samples/people.json
var samplePeople []byte

// Samples holds the XML files of the sample learners.
func Samples() fs.FS {
	sub, err := fs.Sub(sampleFiles, "samples")
	if err != nil {
		panic(err) // the folder is compiled in
	}
	return sub
}

// SamplePerson is somebody who can sign in during development. None exists.
type SamplePerson struct {
	// Subject is the name the provider of identity knows them by; it never changes.
	Subject string `json:"subject"`
	// ULN is the number of the record that is theirs; empty when there is none
	// for certain. Two accounts may be the same person's.
	ULN plr.ULN `json:"uln"`
	// Bound says that the account is bound to that record from the start.
	Bound      bool     `json:"bound"`
	GivenName  string   `json:"givenName"`
	FamilyName string   `json:"familyName"`
	BirthDate  plr.Date `json:"birthDate"`
	Email      string   `json:"email"`
	// PreviousNames are what the provider of identity knows of earlier names, and
	// PostCodes the addresses, the present one first. The register may know others.
	PreviousNames []SampleName `json:"previousNames,omitempty"`
	PostCodes     []string     `json:"postCodes,omitempty"`
	// ReturnCodes are why this person's identity cannot be proved.
	ReturnCodes []string `json:"returnCodes,omitempty"`
	// Group is what the person is good for, in one word; Description says it in
	// one line of English.
	Group       string `json:"group"`
	Description string `json:"description"`
	// Role is "caseworker" for staff, and empty for learners.
	Role string `json:"role,omitempty"`
}

// SampleName is a name that a sample person had before.
type SampleName struct {
	GivenName  string `json:"givenName"`
	FamilyName string `json:"familyName"`
}

// SamplePeople lists the sample learners; the first is the ordinary school leaver.
func SamplePeople() ([]SamplePerson, error) {
	var people []SamplePerson
	if err := json.Unmarshal(samplePeople, &people); err != nil {
		return nil, fmt.Errorf("lrs: samples/people.json: %w", err)
	}
	return people, nil
}

// ImportSamples brings the sample learners into a store that holds nobody. It
// says whether it did: real data is never mixed with invented people.
func ImportSamples(ctx context.Context, service *plr.Service, today plr.Date) (bool, error) {
	if held, err := service.HasRecords(ctx); err != nil || held {
		return false, err
	}
	files, err := FSFiles(Samples())
	if err != nil {
		return false, err
	}
	summary, err := (&Importer{Service: service, Today: today}).Import(ctx, files...)
	if err == nil && summary.Rejected() > 0 {
		err = fmt.Errorf("lrs: %d rejects in the sample learners", summary.Rejected())
	}
	return err == nil, err
}
