//go:build ignore

// Generate writes the sample learners: one XML file each and people.json. Run
// it by "go generate ./lrs". The learner with every kind of dirty value is
// written by hand and left alone. See README.md.
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"text/template"
)

func main() {
	dir := os.Args[1]
	var listed []listedPerson
	for i, p := range append(people, claimants...) {
		if !p.unlisted {
			listed = append(listed, p.listed())
		}
		if p.handWritten || p.File == "" {
			continue
		}
		p.number(i + 1)
		var out bytes.Buffer
		if err := page.Execute(&out, p); err != nil {
			log.Fatal(err)
		}
		write(filepath.Join(dir, fmt.Sprintf("%02d-%s.xml", i+1, p.File)), out.Bytes())
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(listed); err != nil {
		log.Fatal(err)
	}
	write(filepath.Join(dir, "people.json"), out.Bytes())
}

func write(name string, data []byte) {
	if err := os.WriteFile(name, data, 0o644); err != nil {
		log.Fatal(err)
	}
}

// listedPerson is one entry of people.json.
type listedPerson struct {
	Subject       string       `json:"subject"`
	ULN           string       `json:"uln"`
	Bound         bool         `json:"bound"`
	GivenName     string       `json:"givenName"`
	FamilyName    string       `json:"familyName"`
	BirthDate     string       `json:"birthDate"`
	Email         string       `json:"email"`
	PreviousNames []listedName `json:"previousNames,omitempty"`
	PostCodes     []string     `json:"postCodes,omitempty"`
	ReturnCodes   []string     `json:"returnCodes,omitempty"`
	Group         string       `json:"group"`
	Description   string       `json:"description"`
	Role          string       `json:"role,omitempty"`
}

type listedName struct {
	GivenName  string `json:"givenName"`
	FamilyName string `json:"familyName"`
}

func (p *person) listed() listedPerson {
	out := listedPerson{
		Subject: "urn:fdc:openplr.example:2026:" + p.Subject, ULN: p.ULN, Bound: p.ULN != "" && !p.Unbound,
		GivenName: p.Given, FamilyName: cmp.Or(p.FamilyNow, p.Family), BirthDate: p.Born,
		Email: p.Email, PostCodes: p.PostCodes, ReturnCodes: p.ReturnCodes,
		Group: cmp.Or(p.Group, "ordinary"), Description: p.Description, Role: p.Role,
	}
	if out.PostCodes == nil && p.PostCode != "" {
		out.PostCodes = []string{p.PostCode}
	}
	for _, n := range p.PreviousNames {
		out.PreviousNames = append(out.PreviousNames, listedName{n.Given, n.Family})
	}
	return out
}

// number gives the events ids of their own: no two samples may share one.
func (p *person) number(place int) {
	for i := range p.Events {
		p.Events[i].ID = 910_000_000 + place*1000 + i + 1
	}
}

var page = template.Must(template.New("").Funcs(template.FuncMap{"x": func(s string) (string, error) {
	var b bytes.Buffer
	err := xml.EscapeText(&b, []byte(s))
	return b.String(), err
}}).Parse(`<?xml version="1.0" encoding="UTF-8"?>
<!-- TEST DATA. Everything here is invented: people, places, bodies, numbers. Made by generate.go: change it there. -->
<!-- {{.Description}} -->
<LrsAnswers>
{{- with .FindCode}}
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/">
    <soapenv:Body>
        <ns2:FindLearnerResponse xmlns:ns2="http://api.lrs.miap.gov.uk/findmsg">
            <ResponseCode>{{.}}</ResponseCode>
            <FamilyName>{{x $.Family}}</FamilyName>
            <GivenName>{{x $.Given}}</GivenName>
            <DateOfBirth>{{$.Born}}</DateOfBirth>
            <Gender>{{$.Gender}}</Gender>
            <LastKnownPostCode>{{$.PostCode}}</LastKnownPostCode>
{{- range $.Register}}
            <Learner>
                <CreatedDate>{{.Created}}</CreatedDate>
                <LastUpdatedDate>{{.Updated}}</LastUpdatedDate>
                <ULN>{{.ULN}}</ULN>
                <Title>{{.Title}}</Title>
                <GivenName>{{x $.Given}}</GivenName>
{{- with .Middle}}
                <MiddleOtherName>{{x .}}</MiddleOtherName>
{{- end}}
                <FamilyName>{{x $.Family}}</FamilyName>
{{- with .Preferred}}
                <PreferredGivenName>{{x .}}</PreferredGivenName>
{{- end}}
{{- with .Previous}}
                <PreviousFamilyName>{{x .}}</PreviousFamilyName>
{{- end}}
{{- with .At16}}
                <FamilyNameAtAge16>{{x .}}</FamilyNameAtAge16>
{{- end}}
                <SchoolAtAge16>{{x .School}}</SchoolAtAge16>
                <LastKnownAddressLine1>{{x .Street}}</LastKnownAddressLine1>
                <LastKnownAddressTown>{{x .Town}}</LastKnownAddressTown>
                <LastKnownPostCode>{{.PostCode}}</LastKnownPostCode>
                <DateOfAddressCapture>{{.Created}}</DateOfAddressCapture>
                <DateOfBirth>{{$.Born}}</DateOfBirth>
                <PlaceOfBirth>{{x .Town}}</PlaceOfBirth>
                <Gender>{{$.Gender}}</Gender>
                <EmailAddress>{{$.Email}}</EmailAddress>
                <VerificationType>1</VerificationType>
                <TierLevel>0</TierLevel>
                <AbilityToShare>{{.Ability}}</AbilityToShare>
                <LearnerStatus>1</LearnerStatus>
{{- if .Linked}}
                <LinkedULNs xmlns="http://api.lrs.miap.gov.uk/learner"><ULN>{{.Linked}}</ULN></LinkedULNs>
{{- else}}
                <LinkedULNs xmlns="http://api.lrs.miap.gov.uk/learner"/>
{{- end}}
{{- if .Restricted}}
                <RestrictedUse>true</RestrictedUse>
{{- end}}
                <Notes/>
                <VersionNumber>{{.Version}}</VersionNumber>
            </Learner>
{{- end}}
        </ns2:FindLearnerResponse>
    </soapenv:Body>
</soapenv:Envelope>
{{- end}}
{{- with .EventsCode}}
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">
    <s:Body>
        <GetLearnerLearningEventsResponse xmlns="http://tempuri.org/">
            <GetLearnerLearningEventsResult xmlns:a="http://api.lrs.qcf.gov.uk/model" xmlns:i="http://www.w3.org/2001/XMLSchema-instance">
                <a:ResponseCode>{{.}}</a:ResponseCode>
{{- if $.Found}}
                <a:FoundULN>{{$.Found}}</a:FoundULN>
{{- else}}
                <a:FoundULN/>
{{- end}}
                <a:IncomingULN>{{$.Incoming}}</a:IncomingULN>
{{- if $.Events}}
                <a:LearnerRecord>
{{- range $.Events}}
                    <a:LearningEvent>
                        <a:AchievementAwardDate>{{.Award}}</a:AchievementAwardDate>
{{- if .At.Name}}
                        <a:AchievementProviderName>{{x .At.Name}}</a:AchievementProviderName>
                        <a:AchievementProviderUkprn>{{.At.UKPRN}}</a:AchievementProviderUkprn>
{{- else}}
                        <a:AchievementProviderName/>
                        <a:AchievementProviderUkprn/>
{{- end}}
                        <a:AwardingOrganisationName>{{x .Body.Name}}</a:AwardingOrganisationName>
                        <a:AwardingOrganisationUkprn>{{.Body.UKPRN}}</a:AwardingOrganisationUkprn>
{{- with .Collection}}
                        <a:CollectionType>{{.}}</a:CollectionType>
{{- end}}
                        <a:Credits>{{.Credits}}</a:Credits>
                        <a:DateLoaded>{{.Loaded}}</a:DateLoaded>
                        <a:Grade>{{x .Grade}}</a:Grade>
                        <a:ID>{{.ID}}</a:ID>
{{- with .Language}}
                        <a:LanguageForAssessment>{{.}}</a:LanguageForAssessment>
{{- end}}
{{- if .Level}}
                        <a:Level>{{.Level}}</a:Level>
{{- else}}
                        <a:Level i:nil="true"/>
{{- end}}
{{- if .Collection}}
{{- if .Start}}
                        <a:ParticipationEndDate>{{.End}}</a:ParticipationEndDate>
                        <a:ParticipationStartDate>{{.Start}}</a:ParticipationStartDate>
{{- else}}
                        <a:ParticipationEndDate/>
                        <a:ParticipationStartDate/>
{{- end}}
{{- end}}
                        <a:QualificationType>{{x .Type}}</a:QualificationType>
{{- if .Collection}}
                        <a:Restriction>0</a:Restriction>
                        <a:ReturnNumber>{{.Return}}</a:ReturnNumber>
{{- end}}
                        <a:Source>{{.Source}}</a:Source>
                        <a:Status>{{.Status}}</a:Status>
                        <a:Subject>{{x .Subject}}</a:Subject>
                        <a:SubjectCode>{{.Number}}</a:SubjectCode>
                        <a:UnderDataChallenge>{{.Challenged}}</a:UnderDataChallenge>
                    </a:LearningEvent>
{{- end}}
                </a:LearnerRecord>
{{- else}}
                <a:LearnerRecord/>
{{- end}}
            </GetLearnerLearningEventsResult>
        </GetLearnerLearningEventsResponse>
    </s:Body>
</s:Envelope>
{{- end}}
</LrsAnswers>
`))
