package signin

import (
	"net/url"

	"openplr/plr"
)

// Way is where a person goes for what a refusal asks of them. A browser goes to
// URL; an app asks HandoffURL for a hand-off, for HandoffAction, and goes on with
// it at AuthorizeURL, in the system's browser.
type Way struct {
	// Action is what for, where a fresh sign-in is asked for.
	Action        plr.StepUpAction `json:"action,omitempty"`
	URL           string           `json:"url,omitempty"`
	HandoffURL    string           `json:"handoffUrl,omitempty"`
	HandoffAction string           `json:"handoffAction,omitempty"`
	AuthorizeURL  string           `json:"authorizeUrl,omitempty"`
}

// StepUpWay leads w to a fresh sign-in.
func (w Who) StepUpWay(publicURL string, action plr.StepUpAction) Way {
	way := w.way(publicURL, purposeStepUp, "/auth/step-up?action="+url.QueryEscape(string(action))+"&return_to=/")
	way.Action = action
	return way
}

// IdentityWay leads w to proving who they are.
func (w Who) IdentityWay(publicURL string) Way {
	return w.way(publicURL, purposeIdentity, IdentityStartPath)
}

func (w Who) way(publicURL string, p purpose, path string) Way {
	if w.Session != nil && w.Session.Kind == KindApp {
		return Way{HandoffURL: publicURL + "/auth/app/handoff", HandoffAction: string(p), AuthorizeURL: publicURL + "/auth/app/authorize"}
	}
	return Way{URL: publicURL + path}
}
