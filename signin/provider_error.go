package signin

import (
	"errors"
	"maps"
	"slices"
)

// ourFaults are the answers by which a provider says that it does not take our
// requests: nobody can sign in until somebody has looked into it. The words are
// ours, whatever the provider's were.
var ourFaults = map[string]why{
	"invalid_request":                   "the provider calls our request invalid",
	"invalid_scope":                     "the provider refuses our scopes",
	"invalid_request_object":            "the provider refuses our signed request",
	"request_not_supported":             "the provider takes no signed request",
	"request_uri_not_supported":         "the provider takes no request by reference",
	"unsupported_response_type":         "the provider does not know our response type",
	"unmet_authentication_requirements": "the provider cannot do what we ask for",
	"unauthorized_client":               "the provider does not serve us",
}

// isOurFault says whether cause is that the provider refuses us, rather than a person.
func isOurFault(cause error) bool {
	var w why
	return errors.As(cause, &w) && (w == errClientRefused || w == errTokenRequest || slices.Contains(slices.Collect(maps.Values(ourFaults)), w))
}

// causeOf is what the log says of the provider's error.
func causeOf(fault string) why {
	if w, ok := ourFaults[fault]; ok {
		return w
	}
	return errProviderRefused
}

// problemOf translates the provider's error codes that a person can act upon.
func problemOf(fault string) Problem {
	switch fault {
	case "access_denied":
		return ProblemAccessDenied
	case "temporarily_unavailable":
		return ProblemTemporarilyUnavailable
	case "unauthorized_client":
		return ProblemServiceSuspended
	case "login_required":
		return ProblemReauthFailed
	default:
		return ProblemProviderError
	}
}
