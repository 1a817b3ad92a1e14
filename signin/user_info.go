package signin

import (
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strings"
)

const (
	errUserInfoMissing = why("the provider has no userinfo endpoint")
	errUserInfoRefused = why("the provider refused its userinfo")
	errUserInfoForm    = why("the userinfo is not a JSON object of its form")
	errUserInfoSubject = why("the userinfo is about another person than the ID token")
)

// vocabulary is where One Login's claims have their names.
const vocabulary = "https://vocab.account.gov.uk/v1/"

// identityClaims is what an identity trip asks the provider to tell, and nothing
// else. With returnCode asked for, a person who could not prove who they are comes
// back as from any sign-in, only without a core identity.
var identityClaims = map[string]any{"userinfo": map[string]any{
	vocabulary + "coreIdentityJWT": nil, vocabulary + "address": nil, vocabulary + "returnCode": nil,
}}

// userInfo is the part of the provider's userinfo that is used.
type userInfo struct {
	Subject string `json:"sub"`
	// CoreIdentity is a signed statement. It is verified, read and forgotten: never
	// stored, never logged.
	CoreIdentity string         `json:"https://vocab.account.gov.uk/v1/coreIdentityJWT"`
	Addresses    []addressClaim `json:"https://vocab.account.gov.uk/v1/address"`
}

type addressClaim struct {
	PostalCode string `json:"postalCode"`
	ValidFrom  string `json:"validFrom"`
	ValidUntil string `json:"validUntil"`
}

// userInfo asks the provider about the person whose access token this is, who
// must be the one of the ID token.
func (s *SignIn) userInfo(ctx context.Context, m *metadata, accessToken, subject string) (*userInfo, error) {
	if m.userInfoURL == "" {
		return nil, errUserInfoMissing
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, m.userInfoURL, http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+accessToken)
	req.Header.Set("Accept", "application/json")
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body) // the transport limits it
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, errUserInfoRefused
	}
	var info *userInfo
	mediaType, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil || !strings.EqualFold(mediaType, "application/json") || json.Unmarshal(body, &info) != nil || info == nil {
		return nil, errUserInfoForm
	}
	if info.Subject == "" || info.Subject != subject {
		return nil, errUserInfoSubject
	}
	return info, nil
}
