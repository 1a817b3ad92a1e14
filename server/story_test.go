package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image/png"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"openplr/plr"
)

const (
	createView = `mutation($i: CreateConfiguredViewInput!) { createConfiguredView(input: $i) { configuredView { id version preview { reference fields learner { givenName familyName uln } events { subject grade { value } level underDataChallenge } } } userErrors { code message path } } }`
	createLink = `mutation($i: CreateShareLinkInput!) { createShareLink(input: $i) { shareLink { id url status expiresAt pinRequired maxRedemptions version view { id } qrCode(format: PNG) { dataUri size mediaType } } userErrors { code message path } } }`
	redeem     = `mutation($i: RedeemShareLinkInput!) { redeemShareLink(input: $i) { outcome { __typename
	  ... on SharedRecord { learner { givenName familyName uln dateOfBirth yearOfBirth } events { subject qualificationType qualificationNumber level grade { value } credits awardDate status achievementProvider { name ukprn code } awardingOrganisation { name } participationStartDate participationEndDate languageForAssessment underDataChallenge } fields asAt expiresAt marking terms reference redemptionId language }
	  ... on PinRequired { pinMessage: message } ... on ShareUnavailable { reason expiredAt unavailableMessage: message } ... on TryAgainLater { retryAfter laterMessage: message } } userErrors { code message path } } }`
	setSharing = `mutation($i: SetSharingPreferenceInput!) { setSharingPreference(input: $i) { sharingPreference { optedOut since pausedLinks history { optedOut at channel } } userErrors { code message path } } }`
)

func vars(kv ...any) map[string]any {
	in := map[string]any{}
	for i := 0; i < len(kv); i += 2 {
		in[kv[i].(string)] = kv[i+1]
	}
	return map[string]any{"i": in}
}

func secretOf(t *testing.T, link any) string {
	t.Helper()
	_, secret, ok := strings.Cut(link.(string), "#")
	if !ok || len(secret) != 43 {
		t.Fatalf("no secret in %v", link)
	}
	return secret
}

func redeemVars(secret, pin string, more ...any) map[string]any {
	v := vars("key", map[string]any{"token": secret}, "recipient", map[string]any{"name": "Sam Jones", "organisation": "Example Ltd"},
		"purpose", "EMPLOYMENT", "termsAccepted", true)
	if pin != "" {
		v["i"].(map[string]any)["pin"] = pin
	}
	for i := 0; i < len(more); i += 2 {
		v["i"].(map[string]any)[more[i].(string)] = more[i+1]
	}
	return v
}

func outcome(a *gqlAnswer) string {
	name, _ := a.at("redeemShareLink", "outcome", "__typename").(string)
	return name
}

// The main job, end to end, as a new user would try it.
func TestStory(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	leaver := samplePeople(t)[0]

	// Open the address, sign in as a sample learner, ask for the record.
	learner := h.browser()
	if p := learner.get("/"); p.status != 200 || !strings.Contains(p.body, "/auth/login") {
		t.Fatalf("the start page does not lead to sign-in: %d", p.status)
	}
	if a := learner.ask(`{ viewer { signedIn identity { status } } }`, nil); a.at("viewer", "signedIn") != false {
		t.Fatalf("%s", a.raw)
	}
	learner.signIn(leaver.Subject)
	record := learner.must(`{ viewer { signedIn identity { status boundAt } session { id createdAt idleExpiresAt absoluteExpiresAt } }
	  learner { uln givenName familyName learningEvents(first: 100) { totalCount nodes { id subject qualificationType grade { value } } } recordSummary { totalEvents byQualificationType { name count } } } }`, nil)
	if record.at("viewer", "identity", "status") != "BOUND" || record.at("learner", "uln") != string(leaver.ULN) {
		t.Fatalf("%s", record.raw)
	}
	gcses, others := 0, 0
	var challenged map[string]any
	for _, n := range record.at("learner", "learningEvents", "nodes").([]any) {
		e := n.(map[string]any)
		if kind, _ := e["qualificationType"].(string); strings.HasPrefix(strings.ToUpper(kind), "GCSE") {
			gcses++
			if e["grade"] != nil {
				challenged = e
			}
		} else {
			others++
		}
	}
	if gcses < 5 || challenged == nil {
		t.Fatalf("the sample learner has %d GCSEs", gcses)
	}

	// A configured view of the GCSEs, nothing of the rest.
	view := learner.must(createView, vars("name", "My GCSEs", "selection", map[string]any{"rule": map[string]any{"qualificationTypes": []string{"GCSE"}}},
		"fields", []string{"NAME", "SUBJECT", "GRADE"}))
	preview := view.at("createConfiguredView", "configuredView", "preview", "events").([]any)
	if len(preview) != gcses {
		t.Errorf("the preview shows %d events, want %d", len(preview), gcses)
	}

	// A link that ends in 14 days, with a PIN, and its QR code.
	ends := h.clock.Now().Add(14 * 24 * time.Hour)
	link := learner.must(createLink, vars("viewId", view.at("createConfiguredView", "configuredView", "id"), "label", "Bakery",
		"purpose", "EMPLOYMENT", "pin", "k7qx9zw2", "expiresAt", ends.Format(time.RFC3339Nano)))
	made := link.at("createShareLink", "shareLink").(map[string]any)
	if made["expiresAt"] != ends.Format("2006-01-02T15:04:05.000Z") || made["status"] != "ACTIVE" || made["pinRequired"] != true {
		t.Errorf("%v", made)
	}
	secret := secretOf(t, made["url"])
	if read := readQR(t, made["qrCode"].(map[string]any)["dataUri"].(string)); read != made["url"] {
		t.Errorf("the QR code reads %q, want %q", read, made["url"])
	}

	// An employer, in another browser: the page, then exactly that view.
	employer := h.browser()
	if p := employer.get("/s"); p.status != 200 || strings.Contains(p.body, leaver.FamilyName) {
		t.Errorf("the neutral page: %d", p.status)
	}
	form := url.Values{"link": {made["url"].(string)}, "name": {"Sam Jones"}, "organisation": {"Example Ltd"}, "purpose": {"EMPLOYMENT"}, "pin": {""}, "terms": {"accepted"}}
	if p := employer.form("/s/redeem", form); strings.Contains(p.body, leaver.FamilyName) || p.status != 200 {
		t.Errorf("without the PIN: %d", p.status)
	}
	form.Set("pin", "k7qx9zw2")
	seen := employer.form("/s/redeem", form)
	if seen.status != 200 || !strings.Contains(seen.body, leaver.FamilyName) || !strings.Contains(seen.body, challenged["subject"].(string)) {
		t.Fatalf("the employer does not see the view: %d\n%s", seen.status, seen.body)
	}
	if strings.Contains(seen.body, string(leaver.ULN)) || strings.Contains(seen.body, "Under challenge") {
		t.Error("the employer sees what was not chosen, or a challenge nobody made")
	}

	// Back as the learner: who looked.
	history := learner.must(`{ learner { accessHistory { totalCount nodes { id result channel recipient { name organisation } purpose itemsDisclosed fieldsDisclosed reference shareLink { id label } } } } }`, nil)
	entry := history.at("learner", "accessHistory", "nodes", 0).(map[string]any)
	if entry["result"] != "DISCLOSED" || entry["channel"] != "PAGE" || entry["itemsDisclosed"] != float64(gcses) ||
		entry["recipient"].(map[string]any)["name"] != "Sam Jones" || entry["shareLink"].(map[string]any)["label"] != "Bakery" {
		t.Errorf("%v", entry)
	}
	if !strings.Contains(seen.body, entry["reference"].(string)) {
		t.Error("the page does not show the reference the history has")
	}

	// Switch sharing off: acknowledged first, then nothing opens.
	if a := learner.ask(setSharing, vars("optOut", true)); a.at("setSharingPreference", "userErrors", 0, "code") != "ACKNOWLEDGEMENT_REQUIRED" {
		t.Errorf("%s", a.raw)
	}
	learner.must(setSharing, vars("optOut", true, "consequencesAcknowledged", true))
	for name, again := range map[string]string{"page": employer.form("/s/redeem", form).body, "api": h.browser().ask(redeem, redeemVars(secret, "k7qx9zw2")).raw} {
		if strings.Contains(again, leaver.FamilyName) || strings.Contains(again, challenged["subject"].(string)) {
			t.Errorf("%s: the link still answers after the opt-out", name)
		}
	}

	// Challenge a wrong grade; switch on and resume; the employer sees the mark.
	challenge := learner.must(`mutation($i: RaiseDataChallengeInput!) { raiseDataChallenge(input: $i) { dataChallenge { id reference status learningEvent { id underDataChallenge } } userErrors { code message path } } }`,
		vars("eventId", challenged["id"], "kind", "WRONG_GRADE", "explanation", "My certificate says 9.", "proposedValue", "9"))
	if challenge.at("raiseDataChallenge", "dataChallenge", "learningEvent", "underDataChallenge") != true {
		t.Errorf("%s", challenge.raw)
	}
	learner.must(setSharing, vars("optOut", false))
	if a := h.browser().must(redeem, redeemVars(secret, "k7qx9zw2")); outcome(a) != "ShareUnavailable" || a.at("redeemShareLink", "outcome", "reason") != "PAUSED" {
		t.Errorf("switching on must resume nothing by itself: %s", a.raw)
	}
	learner.must(`mutation($i: ResumeShareLinkInput!) { resumeShareLink(input: $i) { shareLink { status } userErrors { code message path } } }`, vars("id", made["id"]))
	after := h.browser().must(redeem, redeemVars(secret, "k7qx9zw2"))
	if outcome(after) != "SharedRecord" {
		t.Fatalf("%s", after.raw)
	}
	marked := 0
	for _, e := range after.at("redeemShareLink", "outcome", "events").([]any) {
		if event := e.(map[string]any); event["underDataChallenge"] == true {
			marked++
			if event["subject"] != challenged["subject"] {
				t.Errorf("the wrong event is marked: %v", event["subject"])
			}
		}
	}
	if marked != 1 {
		t.Errorf("%d events are marked, want 1", marked)
	}
	if p := employer.form("/s/redeem", form); !strings.Contains(p.body, "Under challenge") {
		t.Error("the page does not mark the challenged event")
	}

	// Sign out: the session is over.
	if p := learner.do("POST", "/auth/logout", "application/json", strings.NewReader("{}")); p.status != 403 {
		t.Errorf("signing out without the header that no other site can send: %d", p.status)
	}
	learner.header.Set("X-Requested-By", "learner-web")
	out := learner.do("POST", "/auth/logout", "application/json", strings.NewReader("{}"))
	var where struct{ Redirect string }
	if err := json.Unmarshal([]byte(out.body), &where); err != nil || out.status != 200 || where.Redirect == "" {
		t.Fatalf("sign-out: %d %s", out.status, out.body)
	}
	if p := learner.get(where.Redirect); p.status != 200 || p.url != h.url+"/signed-out" {
		t.Errorf("sign-out ended at %s", p.url)
	}
	if a := learner.ask(`{ learner { uln } }`, nil); a.code() != "UNAUTHENTICATED" && a.code() != "SESSION_EXPIRED" {
		t.Errorf("%s", a.raw)
	}

	// Nothing of all this is in the log.
	log := h.logs.String()
	for _, private := range []string{leaver.FamilyName, string(leaver.ULN), leaver.Subject, secret, "k7qx9zw2", "Sam Jones", string(leaver.BirthDate), entry["reference"].(string)} {
		if strings.Contains(log, private) {
			t.Errorf("the log holds %q", private)
		}
	}
}

func readQR(t *testing.T, dataURI string) string {
	t.Helper()
	_, encoded, ok := strings.Cut(dataURI, "base64,")
	if !ok {
		t.Fatalf("not a data address: %.40s", dataURI)
	}
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	return decodeQR(t, raw)
}

func decodeQR(t *testing.T, raw []byte) string {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		t.Fatal(err)
	}
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_PURE_BARCODE: true})
	if err != nil {
		t.Fatalf("the code cannot be read: %v", err)
	}
	return result.GetText()
}

// What a view shows is exactly what leaves: every field, one by one.
func TestOnlyChosenFieldsLeave(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	learner := h.signedIn(samplePeople(t)[0].Subject)
	members := map[string][]string{
		"NAME": {"learner.givenName", "learner.familyName"}, "ULN": {"learner.uln"}, "DATE_OF_BIRTH": {"learner.dateOfBirth"}, "YEAR_OF_BIRTH": {"learner.yearOfBirth"},
		"SUBJECT": {"subject"}, "QUALIFICATION_TYPE": {"qualificationType"}, "QUALIFICATION_NUMBER": {"qualificationNumber"}, "LEVEL": {"level"},
		"GRADE": {"grade"}, "CREDITS": {"credits"}, "AWARD_DATE": {"awardDate"}, "STATUS": {"status"}, "ACHIEVEMENT_PROVIDER": {"achievementProvider"},
		"AWARDING_ORGANISATION": {"awardingOrganisation"}, "PARTICIPATION_DATES": {"participationStartDate", "participationEndDate"}, "LANGUAGE_FOR_ASSESSMENT": {"languageForAssessment"},
	}
	var fields []string
	for _, v := range loadSchema(t).Types["RecordField"].EnumValues {
		fields = append(fields, v.Name)
	}
	if len(fields) != len(members) {
		t.Fatalf("RecordField has %d values, this test knows %d", len(fields), len(members))
	}
	for _, chosen := range fields {
		view := learner.must(createView, vars("name", chosen, "selection", map[string]any{"everything": true}, "fields", []string{chosen}))
		link := learner.must(createLink, vars("viewId", view.at("createConfiguredView", "configuredView", "id"), "purpose", "OTHER"))
		shared := h.browser().must(redeem, redeemVars(secretOf(t, link.at("createShareLink", "shareLink", "url")), "")).at("redeemShareLink", "outcome").(map[string]any)
		check := func(prefix string, object map[string]any) {
			for name, value := range object {
				if value == nil || name == "underDataChallenge" {
					continue
				}
				if !slices.Contains(members[chosen], prefix+name) {
					t.Errorf("a view of %s shows %s%s", chosen, prefix, name)
				}
			}
		}
		check("learner.", shared["learner"].(map[string]any))
		for _, e := range shared["events"].([]any) {
			check("", e.(map[string]any))
		}
	}
}

// A QR code of every size reads back as exactly the link.
func TestQRCodesOfEverySize(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	learner := h.signedIn(samplePeople(t)[0].Subject)
	view := learner.must(createView, vars("name", "All", "selection", map[string]any{"everything": true}))
	link := learner.must(createLink, vars("viewId", view.at("createConfiguredView", "configuredView", "id"), "purpose", "OTHER"))
	id, address := link.at("createShareLink", "shareLink", "id").(string), link.at("createShareLink", "shareLink", "url").(string)
	for _, size := range []int{plr.MinQRSize, 200, 333, 512, 777, plr.MaxQRSize} {
		p := learner.get(fmt.Sprintf("/share-links/%s/qr.png?size=%d", id, size))
		if p.status != 200 || p.header.Get("Content-Type") != "image/png" || p.header.Get("Cache-Control") != "no-store" {
			t.Fatalf("size %d: %d %v", size, p.status, p.header)
		}
		if text := decodeQR(t, []byte(p.body)); text != address {
			t.Errorf("size %d reads %q", size, text)
		}
	}
	for _, size := range []string{"0", "-1", "-10", "1", "127", "1025", "10000", "100000", "2147483647", "x", "512px"} {
		if p := learner.get("/share-links/" + id + "/qr.png?size=" + size); p.status != 400 {
			t.Errorf("size %s: %d", size, p.status)
		}
	}
	for _, size := range []int{0, -1, 127, 1025, 100000} {
		a := learner.ask(fmt.Sprintf(`{ learner { shareLinks { nodes { qrCode(size: %d) { size } } } } }`, size), nil)
		if a.code() != "BAD_USER_INPUT" {
			t.Errorf("size %d: %s", size, a.raw)
		}
	}
	if p := learner.get("/share-links/" + id + "/qr.svg"); p.status != 200 || !strings.HasPrefix(p.body, "<svg") || strings.Contains(p.body, "script") {
		t.Errorf("svg: %d", p.status)
	}
	if p := h.browser().get("/share-links/" + id + "/qr.png"); p.status != 401 {
		t.Errorf("a stranger gets the code: %d", p.status)
	}
	if p := h.signedIn(samplePeople(t)[1].Subject).get("/share-links/" + id + "/qr.png"); p.status != 404 {
		t.Errorf("another learner gets the code: %d", p.status)
	}
}

// Many codes at once are drawn a few at a time, and all of them are.
func TestManyQRCodesAtOnce(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	learner := h.signedIn(samplePeople(t)[0].Subject)
	id, _ := sharedLink(t, learner)
	got := together(100, func(int) string {
		return fmt.Sprint(learner.get(fmt.Sprintf("/share-links/%s/qr.png?size=%d", id, plr.MaxQRSize)).status)
	})
	if got["200"] != 100 {
		t.Errorf("%v", got)
	}
	many := `{ learner { shareLinks(first: 50) { nodes { `
	for i := range 15 {
		many += fmt.Sprintf("a%d: qrCode(format: PNG, size: 1024) { dataUri } ", i)
	}
	if a := learner.ask(many+`} } } }`, nil); a.code() != "QUERY_TOO_COMPLEX" {
		t.Errorf("%.300s", a.raw)
	}
}
