package signin

import (
	"context"
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/redis/go-redis/v9"

	"openplr/plr"
)

// Paths that this package puts into addresses itself: the routes must serve the
// handlers there, and the provider must have the first and second registered.
const (
	CallbackPath  = "/auth/callback"
	SignedOutPath = "/auth/signed-out"
	// IdentityStartPath is where proving who one is begins.
	IdentityStartPath = "/auth/identity/start"
	// SignedOutPage is the web room's page that a signed-out person arrives at.
	SignedOutPage = "/signed-out"
)

// Accounts is what signing in needs of the domain; *plr.Service is one.
type Accounts interface {
	// SignedIn gives the account of a subject that has just proved itself.
	SignedIn(ctx context.Context, issuer, subject string) (*plr.Account, error)
	Account(ctx context.Context, id string) (*plr.Account, error)
	// EndSessions makes every session that began until now invalid, durably, and
	// those that began until newest: clocks differ, and one of theirs may be ahead.
	EndSessions(ctx context.Context, id string, newest time.Time) error
	// EndSession makes the one with this handle invalid, durably. until is when it
	// would have ended by itself, unused.
	EndSession(ctx context.Context, id, handle string, until time.Time) error
	// AccountOfSubject gives the account of a subject, plr.CodeNotFound when it has
	// never signed in.
	AccountOfSubject(ctx context.Context, issuer, subject string) (*plr.Account, error)
	// ProviderLogout makes every session invalid, durably, whose person proved
	// themselves to the provider at this time or before.
	ProviderLogout(ctx context.Context, id string, at time.Time) error
	// MayProveIdentity says whether an identity trip makes sense: plr.CodeAlreadyDone
	// for a bound account without renew, plr.CodeLimitReached for a locked one.
	MayProveIdentity(ctx context.Context, id string, renew bool) error
	// ProveIdentity keeps what the provider has just proved.
	ProveIdentity(ctx context.Context, id string, identity plr.VerifiedIdentity) error
	// TokenReused tells the person that a refresh token of theirs was used twice.
	TokenReused(ctx context.Context, id string) error
}

var _ Accounts = (*plr.Service)(nil)

// Config is what a SignIn needs. Fields without a default must be set.
type Config struct {
	// Issuer is the provider's issuer, to the byte as the provider writes it (One
	// Login's ends in a slash). https, but for loopback addresses.
	Issuer   string
	ClientID string
	// ClientKey is our RSA key, known to the provider as ClientKeyID.
	ClientKey   crypto.Signer
	ClientKeyID string
	// OtherClientKeys are published beside it, for rotation.
	OtherClientKeys []ClientKey
	// AssertionAlg signs client assertions: PS256 (default) or RS256.
	AssertionAlg string
	// IDTokenAlg is the one algorithm accepted on ID tokens: ES256 (default),
	// RS256 or PS256. LogoutTokenAlg likewise on logout tokens: One Login signs
	// those with ES256 whatever the client's ID tokens are signed with.
	IDTokenAlg     string
	LogoutTokenAlg string
	// Scopes asked for; default openid and email.
	Scopes []string
	// AuthVTR is the vector of trust asked for at sign-in, for example "Cl.Cm".
	// Empty: vtr is not sent and vot not checked, as for providers that know neither.
	AuthVTR string
	// Identity says how people prove who they are. Zero: they cannot.
	Identity IdentityConfig
	// Reauth is how a person is made to sign in once more; default ReauthMaxAge.
	Reauth Reauth
	// RequestObject sends authorization requests as signed objects (RFC 9101).
	RequestObject bool
	// ProviderHosts are further hosts (host or host:port) on which the provider's
	// endpoints may lie. When empty, the hosts first seen are held to for the life
	// of the process.
	ProviderHosts []string

	// PublicURL is where people reach the service: an origin, without a slash at
	// the end. https, but for loopback addresses. No request header changes it.
	PublicURL string

	Accounts Accounts
	// Redis must run with the policy noeviction, and the client with
	// ContextTimeoutEnabled, or a Redis that hangs is noticed late.
	Redis redis.UniversalClient
	// SealKeys: the first seals, all open.
	SealKeys []SealKey

	// AllowedOrigins are further origins of our own front ends, on the same site:
	// return_to may be an address there, and signing in may start there.
	AllowedOrigins []string
	// AppClients are the mobile apps that may have sessions.
	AppClients []AppClient
	// StaffRoles say who is staff. Without them nobody is.
	StaffRoles []StaffRole

	// WebIdle and WebAbsolute limit a web session; defaults 30 minutes and 12
	// hours, at most 60 minutes and 24 hours.
	WebIdle, WebAbsolute time.Duration
	// AppAccess limits an app's access token; default and maximum 10 minutes.
	AppAccess time.Duration
	// AppIdle and AppAbsolute limit the session of an app that does not lock
	// itself; defaults 30 minutes and 12 hours, at most 60 minutes and 24 hours.
	AppIdle, AppAbsolute time.Duration
	// AppLockedAbsolute limits the session of an app that locks itself; default and
	// maximum 30 days.
	AppLockedAbsolute time.Duration

	// ErrorPage shows a person a page with this status and reference, where a
	// redirect is out of the question. Default: the problem as JSON.
	ErrorPage func(w http.ResponseWriter, r *http.Request, status int, ref string)

	// UserAgent is sent on every call to the provider; default "openplr".
	UserAgent string
	// Transport makes the calls; default a clone of http.DefaultTransport.
	Transport http.RoundTripper

	// Now and Random default to time.Now and crypto/rand; both are called from
	// many goroutines. Logger defaults to silence.
	Now    func() time.Time
	Random io.Reader
	Logger *slog.Logger
}

// IdentityConfig says how identity is proved: by a trip with a higher vector of
// trust that brings a core identity JWT, verified by the keys of one DID document.
type IdentityConfig struct {
	// VTR is the vector of trust asked for, for example "Cl.Cm.P2". Empty: no
	// identity trips.
	VTR string
	// Issuer issues core identity JWTs; not the OpenID issuer.
	Issuer string
	// DID is the document's id, for example
	// "did:web:identity.integration.account.gov.uk". DIDURL is where it lies: the
	// DID itself is never resolved.
	DID, DIDURL string
}

// Reauth is a way to make a person sign in once more.
type Reauth string

// The ways. Which of them a provider honours is agreed with it.
const (
	// ReauthMaxAge sends max_age=0.
	ReauthMaxAge Reauth = "max_age"
	// ReauthPromptLogin sends prompt=login.
	ReauthPromptLogin Reauth = "prompt_login"
	// ReauthSignedPromptLogin sends prompt=login and id_token_hint in a signed
	// request object. Where the provider says nothing of when people signed in, it
	// satisfies only with RequestObject, and the provider must be told to refuse
	// requests that are not signed: or whoever sits at the browser sends one of those.
	ReauthSignedPromptLogin Reauth = "jar_prompt_login"
	// ReauthNone asks for nothing: only a provider that asks anew anyway satisfies it.
	ReauthNone Reauth = "none"
)

// StaffRole gives a role to whoever signs in at Issuer and either is Subject or
// has Value among the values of the ID token's claim Claim. The issuer is always
// named, so that no provider of learners makes staff by accident.
type StaffRole struct {
	Role    plr.Role
	Issuer  string
	Subject string
	Claim   string
	Value   string
}

const (
	defaultIdle, maxIdle         = 30 * time.Minute, time.Hour
	defaultAbsolute, maxAbsolute = 12 * time.Hour, 24 * time.Hour
)

// SignIn is sign-in at work. Its methods may be called from many goroutines.
type SignIn struct {
	config   Config
	now      func() time.Time
	random   io.Reader
	log      *slog.Logger
	redis    redis.UniversalClient
	client   *http.Client
	provider *provider
	keys     *keySet
	// identityKeys verify core identity JWTs.
	identityKeys *keySet
	assertions   *assertions
	sealer       *sealer
	accounts     *accountCache
}

// New makes a SignIn. It reports every fault of c at once, opens no connection
// and starts no goroutine.
func New(c Config) (*SignIn, error) {
	c.setDefaults()
	faults := c.faults()
	sealer, err := newSealer(c.SealKeys, c.Random)
	if err != nil {
		faults = append(faults, err)
	}
	assertions, err := newAssertions(c)
	if err != nil {
		faults = append(faults, err)
	}
	if len(faults) > 0 {
		return nil, fmt.Errorf("signin: %w", errors.Join(faults...))
	}
	client := newProviderClient(c.Transport, c.UserAgent, c.Now)
	provider := newProvider(c, client)
	// With a breaker of its own: where identity keys lie may be down while people
	// can sign in.
	identityClient := newProviderClient(c.Transport, c.UserAgent, c.Now)
	return &SignIn{
		config: c, now: c.Now, random: c.Random, log: c.Logger, redis: c.Redis,
		client: client, provider: provider,
		keys:         &keySet{source: providerKeys(provider), client: client, now: c.Now, log: c.Logger},
		identityKeys: &keySet{source: identityKeys(c.Identity), client: identityClient, now: c.Now, log: c.Logger},
		assertions:   assertions, sealer: sealer,
		accounts: newAccountCache(c.Accounts, c.Now),
	}, nil
}

// CheckProvider asks the provider for its metadata now. Signing in does so by
// itself on first need; a start-up or a check command wants to know earlier. An
// ErrProviderMismatch is a reason not to start, anything else may pass.
func (s *SignIn) CheckProvider(ctx context.Context) error {
	if _, err := s.provider.metadata(ctx); err != nil {
		if errors.Is(err, ErrProviderMismatch) {
			return fmt.Errorf("%w: %s", ErrProviderMismatch, reason(err))
		}
		return fmt.Errorf("signin: the provider's metadata could not be read: %s", reason(err))
	}
	return nil
}

// Close gives up idle connections to the provider. Redis stays the caller's.
func (s *SignIn) Close() error {
	if t, ok := s.config.Transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
	return nil
}

func (c *Config) setDefaults() {
	setDefault(&c.AssertionAlg, string(jose.PS256))
	setDefault(&c.IDTokenAlg, string(jose.ES256))
	setDefault(&c.LogoutTokenAlg, string(jose.ES256))
	setDefault(&c.Reauth, ReauthMaxAge)
	setDefault(&c.UserAgent, "openplr")
	setDefault(&c.WebIdle, defaultIdle)
	setDefault(&c.WebAbsolute, defaultAbsolute)
	c.setAppDefaults()
	// The caller's slices stay the caller's.
	c.Scopes = slices.Clone(c.Scopes)
	if len(c.Scopes) == 0 {
		c.Scopes = []string{"openid", "email"}
	}
	c.SealKeys = slices.Clone(c.SealKeys)
	c.AllowedOrigins, c.AppClients, c.StaffRoles = slices.Clone(c.AllowedOrigins), slices.Clone(c.AppClients), slices.Clone(c.StaffRoles)
	if c.Now == nil {
		c.Now = time.Now //nolint:forbidigo // here the clock enters when none is given
	}
	setDefault(&c.Random, rand.Reader)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Transport == nil {
		c.Transport = defaultTransport()
	}
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func defaultTransport() http.RoundTripper {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport
	}
	t = t.Clone()
	t.MaxIdleConnsPerHost = 64 // two would mean a new handshake for nearly every sign-in
	return t
}

func (c *Config) faults() []error {
	var faults []error
	bad := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if issuer, err := url.Parse(c.Issuer); err != nil || issuer.RawQuery != "" || issuer.Fragment != "" || !isSecureURL(issuer) {
		bad("Issuer %q is not an https URL (http on loopback only)", c.Issuer)
	}
	if public, err := url.Parse(c.PublicURL); err != nil || !isSecureURL(public) || public.Scheme+"://"+public.Host != c.PublicURL {
		bad("PublicURL %q is not an https origin (http on loopback only)", c.PublicURL)
	}
	if c.ClientID == "" {
		bad("ClientID is empty")
	}
	if !slices.Contains(asymmetric, jose.SignatureAlgorithm(c.IDTokenAlg)) {
		bad("IDTokenAlg %q is not one of %v", c.IDTokenAlg, asymmetric)
	}
	if !slices.Contains(asymmetric, jose.SignatureAlgorithm(c.LogoutTokenAlg)) {
		bad("LogoutTokenAlg %q is not one of %v", c.LogoutTokenAlg, asymmetric)
	}
	if !slices.Contains([]Reauth{ReauthMaxAge, ReauthPromptLogin, ReauthSignedPromptLogin, ReauthNone}, c.Reauth) {
		bad("Reauth %q is none of the ways", c.Reauth)
	}
	if !slices.Contains(c.Scopes, "openid") {
		bad("Scopes lack openid")
	}
	if c.Accounts == nil {
		bad("Accounts is missing")
	}
	if c.Redis == nil {
		bad("Redis is missing")
	}
	if c.WebIdle < time.Minute || c.WebIdle > maxIdle {
		bad("WebIdle %s is not within 1m and %s", c.WebIdle, maxIdle)
	}
	if c.WebAbsolute < c.WebIdle || c.WebAbsolute > maxAbsolute {
		bad("WebAbsolute %s is not within WebIdle and %s", c.WebAbsolute, maxAbsolute)
	}
	faults = append(faults, c.appFaults()...)
	if strings.ContainsFunc(c.UserAgent, func(r rune) bool { return r < ' ' || r > '~' }) {
		bad("UserAgent has characters no header may hold")
	}
	for _, origin := range c.AllowedOrigins {
		if u, err := url.Parse(origin); err != nil || !isSecureURL(u) || u.Scheme+"://"+u.Host != origin {
			bad("AllowedOrigins: %q is not an https origin (http on loopback only)", origin)
		}
	}
	return slices.Concat(faults, c.vectorFaults(), c.identityFaults(), c.staffFaults())
}

// isSecureURL: cookies and codes travel over https only, but for a developer's
// own machine.
func isSecureURL(u *url.URL) bool {
	return u.Host != "" && u.User == nil &&
		(u.Scheme == "https" || (u.Scheme == "http" && isLoopbackHost(u.Hostname())))
}
