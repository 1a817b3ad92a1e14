package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"time"

	"openplr/signin"
)

// config is every setting, read once from the environment. The zero
// environment gives the embedded service on loopback.
type config struct {
	Env            string        // ENV: development or production
	ListenAddr     string        // LISTEN_ADDR
	PublicURL      string        // PUBLIC_URL, without a trailing slash
	DataDir        string        // DATA_DIR
	MongoDBURI     string        // MONGODB_URI; empty: embedded, under DATA_DIR
	MongoDBMigrate bool          // MONGODB_MIGRATE: make missing indexes at start
	RedisURL       string        // REDIS_URL; empty: in process
	RedisCAFile    string        // REDIS_CA_FILE: PEM, authorities for rediss; empty: the system's
	RedisTimeout   time.Duration // REDIS_TIMEOUT: what one command may take
	DevopAddr      string        // DEVOP_ADDR
	OIDC           oidcConfig
	LinkKeys       string              // LINK_KEYS: id:base64,... ; empty: made once under DATA_DIR
	SessionKeys    string              // SESSION_KEYS: the same form
	TLSCertFile    string              // TLS_CERT_FILE
	TLSKeyFile     string              // TLS_KEY_FILE
	SchemaOpen     bool                // SCHEMA_OPEN: introspection and exact validation messages
	Explorer       bool                // EXPLORER: the explorer page
	Marking        string              // HANDLING_MARKING
	RateLimits     map[string]rateRule // RATE_LIMITS
	TrustedProxies []netip.Prefix      // TRUSTED_PROXIES
	AllowedOrigins []string            // ALLOWED_ORIGINS: our front ends on the same site
	AppClients     []signin.AppClient  // APP_CLIENTS
	StaffRoles     []signin.StaffRole  // STAFF_ROLES
	SessionIdle    time.Duration       // SESSION_IDLE
	SessionLife    time.Duration       // SESSION_ABSOLUTE
	AppSession     appSession
	PINSlots       int // how many PINs are hashed at once
	embeddedRedis  bool
}

func (c *config) production() bool { return c.Env == "production" }

// devop says whether the development provider is used.
func (c *config) devop() bool { return c.OIDC.Issuer == "" }

// readConfig reads and validates. All faults are reported together; a value
// that may be secret is never repeated.
func readConfig(env func(string) string) (*config, error) {
	or := func(name, value string) string {
		if v := strings.TrimSpace(env(name)); v != "" {
			return v
		}
		return value
	}
	c := &config{
		Env: or("ENV", "development"), ListenAddr: or("LISTEN_ADDR", "localhost:8080"), PublicURL: strings.TrimRight(or("PUBLIC_URL", ""), "/"),
		DataDir: or("DATA_DIR", "./data"), MongoDBURI: or("MONGODB_URI", ""), RedisURL: or("REDIS_URL", ""), RedisCAFile: or("REDIS_CA_FILE", ""), DevopAddr: or("DEVOP_ADDR", "127.0.0.1:8090"),
		OIDC:     readOIDC(or),
		LinkKeys: or("LINK_KEYS", ""), SessionKeys: or("SESSION_KEYS", ""),
		TLSCertFile: or("TLS_CERT_FILE", ""), TLSKeyFile: or("TLS_KEY_FILE", ""),
		Marking: or("HANDLING_MARKING", "OFFICIAL"), PINSlots: runtime.NumCPU(),
	}
	if c.PublicURL == "" {
		c.PublicURL = "http://" + c.ListenAddr
	}
	c.embeddedRedis = c.RedisURL == ""
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	flag := func(name string, value bool) bool {
		v := or(name, strconv.FormatBool(value))
		b, err := strconv.ParseBool(v)
		if err != nil {
			fault("%s must be true or false", name)
		}
		return b
	}
	c.SchemaOpen = flag("SCHEMA_OPEN", !c.production())
	c.Explorer = flag("EXPLORER", !c.production())
	c.MongoDBMigrate = flag("MONGODB_MIGRATE", true)
	c.OIDC.UseJAR = flag("OIDC_USE_JAR", false)
	var err error
	if c.RedisTimeout, err = time.ParseDuration(or("REDIS_TIMEOUT", "100ms")); err != nil {
		c.RedisTimeout = 0 // refused by its range
	}
	if c.RateLimits, err = parseRateLimits(or("RATE_LIMITS", ""), c.production()); err != nil {
		fault("%w", err)
	}
	if c.TrustedProxies, err = parseTrustedProxies(or("TRUSTED_PROXIES", "")); err != nil {
		fault("%w", err)
	}
	c.validate(fault)
	c.readSignIn(or, fault)
	return c, errors.Join(faults...)
}

func (c *config) validate(fault func(string, ...any)) {
	if c.Env != "development" && c.Env != "production" {
		fault("ENV must be development or production")
	}
	if _, _, err := net.SplitHostPort(c.ListenAddr); err != nil {
		fault("LISTEN_ADDR must be host:port")
	}
	public, err := url.Parse(c.PublicURL)
	if err != nil || public.Host == "" || (public.Scheme != "http" && public.Scheme != "https") || public.Path != "" || public.RawQuery != "" || strings.Contains(c.PublicURL, "#") || public.User != nil {
		fault("PUBLIC_URL must be an address like https://records.example.org, without a path")
	} else if public.Scheme == "http" && (c.production() || !isLoopback(public.Hostname())) {
		fault("PUBLIC_URL must begin with https:// unless it is on this machine in development")
	}
	if (c.TLSCertFile == "") != (c.TLSKeyFile == "") {
		fault("TLS_CERT_FILE and TLS_KEY_FILE must be set together")
	}
	c.validateStores(fault)
	c.validateOIDC(fault)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}
