package devop

import (
	"context"
	"crypto"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/luikyv/go-oidc/pkg/goidc"
	luikyv "github.com/luikyv/go-oidc/pkg/provider"
)

const idTokenAlg = goidc.ES256

// assertionAlgs are what the app may sign with, assertions and request objects.
var assertionAlgs = []goidc.SignatureAlgorithm{goidc.PS256, goidc.RS256}

type provider struct {
	cfg         Config
	key         jose.JSONWebKey // public
	identityKey jose.JSONWebKey // public
	clientKeys  []jose.JSONWebKey
	loopback    bool
	policy      string // Content-Security-Policy of the pages
	store       *store
	http        *http.Client // to the app
}

// New returns the whole provider as one handler, to be served at the root of its
// own listener. It starts nothing and keeps everything in memory. Every fault in
// cfg is reported at once.
func New(cfg Config) (http.Handler, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	// The caller's slices stay the caller's.
	cfg.People = slices.Clone(cfg.People)
	cfg.RedirectURIs = slices.Clone(cfg.RedirectURIs)
	cfg.PostLogoutRedirectURIs = slices.Clone(cfg.PostLogoutRedirectURIs)

	key, err := publicJWK(cfg.SigningKey)
	if err != nil {
		return nil, err
	}
	identityKey, err := publicJWK(cfg.IdentityKey)
	if err != nil {
		return nil, err
	}
	clientKeys, err := clientKeys(cfg)
	if err != nil {
		return nil, fmt.Errorf("devop: %w", err)
	}
	p := &provider{
		cfg:         cfg,
		key:         key,
		identityKey: identityKey,
		clientKeys:  clientKeys.Keys,
		loopback:    isLoopback(cfg.Issuer),
		policy:      contentPolicy(cfg),
		store:       newStore(cfg.Now),
		http:        &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
	library, err := p.library()
	if err != nil {
		return nil, err
	}
	metadata, err := p.discovery(library)
	if err != nil {
		return nil, err
	}
	did, err := p.didDocument()
	if err != nil {
		return nil, err
	}
	return p.routes(library, metadata, did), nil
}

// library assembles github.com/luikyv/go-oidc: authorization code only, PKCE
// with S256 always, private_key_jwt, pairwise subjects, opaque access tokens, the RFC 9207 "iss".
func (p *provider) library() (http.Handler, error) {
	scopes := []goidc.Scope{goidc.ScopeOpenID, goidc.ScopeEmail, goidc.ScopeProfile}
	client := &goidc.Client{
		ID: p.cfg.ClientID,
		ClientMeta: goidc.ClientMeta{
			// "web": for "native" any port of a loopback redirect URI would do.
			ApplicationType:  goidc.ApplicationTypeWeb,
			RedirectURIs:     p.cfg.RedirectURIs,
			GrantTypes:       []goidc.GrantType{goidc.GrantAuthorizationCode},
			ResponseTypes:    []goidc.ResponseType{goidc.ResponseTypeCode},
			ScopeIDs:         "openid email profile",
			JWKS:             &goidc.JSONWebKeySet{Keys: p.clientKeys},
			TokenAuthnMethod: goidc.AuthnMethodPrivateKeyJWT,
		},
	}

	op, err := luikyv.New(
		luikyv.Config{
			Issuer:  p.cfg.Issuer,
			Manager: p.store,
			// Public only: the private half stays behind WithSigner.
			JWKS: func(context.Context) (goidc.JSONWebKeySet, error) {
				return goidc.JSONWebKeySet{Keys: []jose.JSONWebKey{p.key}}, nil
			},
			IDTokenAlgs: []goidc.SignatureAlgorithm{idTokenAlg},
		},
		luikyv.WithSigner(func(context.Context, goidc.SignatureAlgorithm) (string, crypto.Signer, error) {
			return p.key.KeyID, rawSigner{p.cfg.SigningKey}, nil
		}),
		luikyv.WithAuthorizeEndpoint(authorizePath),
		luikyv.WithTokenEndpoint(tokenPath),
		luikyv.WithUserInfoEndpoint(userInfoPath),
		luikyv.WithJWKSEndpoint(jwksPath),
		luikyv.WithScopes(scopes...),
		luikyv.WithOpenIDScopeRequired(),
		luikyv.WithClaims(claimsSupported...),
		luikyv.WithStaticClients(client),
		// A subject is pairwise already: there is one app.
		luikyv.WithSubjectIdentifiers([]goidc.SubIdentifierType{goidc.SubIdentifierPairwise},
			luikyv.WithPairwiseSubjectFunc(func(_ context.Context, subject string, _ *goidc.Client) string { return subject })),
		luikyv.WithPrivateKeyJWTAuthn(assertionAlgs...),
		luikyv.WithJWTLifetime(int(assertionLife/time.Second)),
		luikyv.WithJTIConsumer(p.store.useAssertion),
		luikyv.WithAuthCodeGrant(
			luikyv.AuthCodeGrantConfig{
				Manager:       p.store,
				ResponseTypes: []goidc.ResponseType{goidc.ResponseTypeCode},
			},
			luikyv.WithPKCE([]goidc.CodeChallengeMethod{goidc.CodeChallengeMethodSHA256}, luikyv.WithPKCERequired()),
			luikyv.WithIssuerResponseParameter(),
			luikyv.WithAuthPolicies(p.authnPolicy()),
		),
		luikyv.WithTokenOptions(
			func(context.Context, *goidc.Grant, *goidc.Client) goidc.TokenOptions {
				return goidc.NewOpaqueTokenOptions(int(accessTokenLife / time.Second))
			},
			luikyv.WithOpaqueTokens(p.store),
		),
		luikyv.WithTokenHandler(p.noteToken),
		luikyv.WithIDTokenClaims(p.idTokenClaims),
		luikyv.WithUserInfoClaims(p.userInfoClaims),
		luikyv.WithErrorHandler(p.logFault),
		luikyv.WithErrorRenderer(p.faultPage),
	)
	if err != nil {
		return nil, fmt.Errorf("devop: %w", err)
	}
	return op.Handler(), nil
}
