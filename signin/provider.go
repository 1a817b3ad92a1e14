package signin

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"
)

const (
	// metadataLife is how long the provider's metadata are used before they are
	// read again. The copy held is used on while reading fails.
	metadataLife  = time.Hour
	metadataRetry = time.Minute
)

// ErrProviderMismatch says that the provider's metadata contradict the
// configuration: another issuer, or endpoints where they may not be. Unlike a
// provider that is down it will not mend itself.
var ErrProviderMismatch = errors.New("signin: the provider's metadata contradict the configuration")

// provider knows the OpenID provider's metadata. It asks on first need, so that
// the service starts while the provider is down and recovers without a restart.
type provider struct {
	issuer   string
	loopback bool // plain http is fine, between loopback addresses only
	client   *http.Client
	now      func() time.Time
	log      *slog.Logger

	flight singleflight.Group
	mu     sync.Mutex
	copy   *metadata
	due    time.Time // when copy is to be read again
	// hosts that endpoints may lie on; nil until configured or first seen.
	hosts []string
}

// metadata is the part of the discovery document that is used.
type metadata struct {
	endpoint oauth2.Endpoint
	keysURL  string
	// endSessionURL is empty when the provider has no sign-out of its own,
	// userInfoURL when it tells nothing about people beyond the ID token.
	endSessionURL string
	userInfoURL   string
	// sendsIssuer: every authorization response carries "iss" (RFC 9207).
	sendsIssuer bool
}

func newProvider(c Config, client *http.Client) *provider {
	p := &provider{issuer: c.Issuer, loopback: isLoopbackURL(c.Issuer), client: client, now: c.Now, log: c.Logger}
	if len(c.ProviderHosts) > 0 {
		p.hosts = slices.Clone(c.ProviderHosts)
	}
	return p
}

// metadata gives the copy held, reading it first when there is none. An aged
// copy is read again by one caller while the others go on with it.
func (p *provider) metadata(ctx context.Context) (*metadata, error) {
	p.mu.Lock()
	held := p.copy
	if held != nil {
		now := p.now()
		if left := p.due.Sub(now); left > 0 && left <= metadataLife {
			p.mu.Unlock()
			return held, nil
		}
		p.due = now.Add(metadataRetry)
	}
	p.mu.Unlock()

	fresh, err := p.read(ctx, held)
	if err == nil {
		return fresh, nil
	}
	if held != nil {
		level := slog.LevelWarn
		if errors.Is(err, ErrProviderMismatch) {
			level = slog.LevelError // somebody may be redirecting our people
		}
		p.log.Log(ctx, level, "provider metadata not renewed", "why", reason(err))
		return held, nil
	}
	return nil, err
}

// read replaces the copy held, once however many callers wait. A caller that goes
// away does not take the answer from the others.
func (p *provider) read(ctx context.Context, held *metadata) (*metadata, error) {
	result := p.flight.DoChan("metadata", func() (any, error) {
		p.mu.Lock()
		newer := p.copy
		p.mu.Unlock()
		if newer != held { // a flight that ended while this caller was on its way
			return newer, nil
		}
		m, hosts, err := p.discover(context.WithoutCancel(ctx))
		if err != nil {
			return nil, err
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.hosts == nil {
			p.hosts = hosts
		}
		p.copy, p.due = m, p.now().Add(metadataLife)
		return m, nil
	})
	select {
	case r := <-result:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(*metadata), nil //nolint:errcheck // the one function of this flight gives nothing else
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *provider) discover(ctx context.Context) (*metadata, []string, error) {
	// NewProvider compares the issuer byte by byte.
	found, err := oidc.NewProvider(oidc.ClientContext(ctx, p.client), p.issuer)
	var other *oidc.IssuerMismatchError
	switch {
	case errors.As(err, &other):
		return nil, nil, mismatch("the provider calls itself by another issuer")
	case err != nil:
		return nil, nil, err
	}
	var more struct {
		KeysURL       string `json:"jwks_uri"`
		EndSessionURL string `json:"end_session_endpoint"`
		UserInfoURL   string `json:"userinfo_endpoint"`
		SendsIssuer   bool   `json:"authorization_response_iss_parameter_supported"`
	}
	if err := found.Claims(&more); err != nil {
		return nil, nil, err
	}
	m := &metadata{
		endpoint: found.Endpoint(), keysURL: more.KeysURL, endSessionURL: more.EndSessionURL, userInfoURL: more.UserInfoURL,
		sendsIssuer: more.SendsIssuer,
	}
	// Left to itself oauth2 tries two styles and so sends the same code twice.
	m.endpoint.AuthStyle = oauth2.AuthStyleInParams

	p.mu.Lock()
	allowed := p.hosts
	p.mu.Unlock()
	var hosts []string
	for _, e := range []struct {
		address  string
		optional bool
	}{{m.endpoint.AuthURL, false}, {m.endpoint.TokenURL, false}, {m.keysURL, false}, {m.endSessionURL, true}, {m.userInfoURL, true}} {
		if e.address == "" && e.optional {
			continue
		}
		host, err := p.checkEndpoint(e.address, allowed)
		if err != nil {
			return nil, nil, err
		}
		hosts = append(hosts, host)
	}
	return m, hosts, nil
}

// checkEndpoint refuses an endpoint over plain http and, once hosts are pinned,
// one that has moved to another host: whoever can alter the metadata for a moment
// must not collect codes and client assertions with it.
func (p *provider) checkEndpoint(address string, allowed []string) (host string, err error) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "":
		return "", mismatch("an endpoint is missing or no URL")
	case u.Scheme != "https" && !(u.Scheme == "http" && p.loopback && isLoopbackHost(u.Hostname())):
		return "", mismatch("an endpoint is not https")
	}
	issuer, _ := url.Parse(p.issuer) // New has parsed it before
	if allowed != nil && u.Host != issuer.Host && !slices.Contains(allowed, u.Host) {
		return "", mismatch("an endpoint lies on a host that is not allowed")
	}
	return u.Host, nil
}

// mismatch is an ErrProviderMismatch that says which, in words safe to log.
func mismatch(w why) error { return errors.Join(ErrProviderMismatch, w) }

func isLoopbackURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && isLoopbackHost(u.Hostname())
}

func isLoopbackHost(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && addr.IsLoopback()
}
