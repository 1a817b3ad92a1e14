package devop

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
)

// asked is what a request to /authorize asks for and the library does not read.
// It goes with the trip up to userinfo.
type asked struct {
	level   level
	claims  []string // of userinfo, beyond those of the scopes
	locales string   // ui_locales
	auto    bool     // dev_auto: without the page
	hint    string   // the subject of the id_token_hint
	fault   error    // told to the app by redirect
}

type askedKey struct{}

func askedFrom(ctx context.Context) asked {
	a, _ := ctx.Value(askedKey{}).(asked)
	return a
}

// askedIn is where the library keeps it: in the store of a trip or of a grant.
func askedIn(store map[string]any) asked {
	a, _ := store[keyAsked].(asked)
	return a
}

// readRequest takes out of params what is not the library's business. The first
// fault is kept, to be told once the library knows where to.
func (p *provider) readRequest(params url.Values) asked {
	a := asked{locales: params.Get("ui_locales"), auto: params.Get("dev_auto") == "1"}
	note := func(err error) {
		if err != nil && a.fault == nil {
			a.fault = invalidRequest(err.Error())
		}
	}
	var err error
	a.level, err = parseLevels(params.Get("vtr"))
	note(err)
	a.claims, err = parseClaims(params.Get("claims"))
	note(err)
	// The library would refuse an expired hint, and with a page in place of a
	// redirect.
	if raw := params.Get("id_token_hint"); raw != "" {
		a.hint, err = p.readHint(raw)
		note(err)
		params.Del("id_token_hint")
	}
	return a
}

// parseClaims reads the names that "claims" asks for (OpenID Connect Core 5.5).
// One Login gives them in userinfo only, and only those registered for the app.
func parseClaims(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	var request struct {
		UserInfo map[string]json.RawMessage `json:"userinfo"`
		IDToken  map[string]json.RawMessage `json:"id_token"`
	}
	if err := json.Unmarshal([]byte(text), &request); err != nil {
		return nil, errors.New("claims is not the JSON object expected")
	}
	if len(request.IDToken) > 0 {
		return nil, errors.New("claims asks for claims in the ID token; there are some in userinfo only")
	}
	var names []string
	for name := range request.UserInfo {
		switch name {
		case claimCoreIdentity, claimAddress, claimReturnCode:
			names = append(names, name)
		default:
			return nil, errors.New("Request contains invalid claims") // One Login's own words
		}
	}
	return names, nil
}
