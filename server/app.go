package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/redis/go-redis/v9"

	"openplr/plr"
	"openplr/resolvers"
	"openplr/signin"
	"openplr/web"
)

// parts is what tests replace.
type parts struct {
	Now    func() time.Time
	Stderr io.Writer
	// Listener and DevopListener, optional, stand in for the configured addresses.
	Listener, DevopListener net.Listener
	// WrapStore, optional, puts something between the domain and the store.
	WrapStore func(plr.Store) plr.Store
}

// app is the running service.
type app struct {
	config  *config
	url     string // where this process listens
	devop   string // the development provider's address; empty without one
	health  *health
	server  *http.Server
	service *plr.Service
	failed  chan error
	// samplesLeftOut: the store held other learners at the first start, so the
	// sample people have no records.
	samplesLeftOut bool
	closers        []func()
}

// stopNotice is how long a production process says that it is stopping
// before it takes no more connections.
const stopNotice = 3 * time.Second

// drainTime is how long requests may finish after a stop was asked for.
const drainTime = 10 * time.Second

// start opens everything in order. When it fails, what was opened is closed.
func start(ctx context.Context, c *config, p parts) (_ *app, err error) {
	a := &app{config: c, failed: make(chan error, 2)}
	defer func() {
		if err != nil {
			a.close()
		}
	}()
	logger := newLogger(c, p.Stderr)

	store, err := openStore(c)
	if err != nil {
		return nil, err
	}
	a.onClose(func() { _ = store.Close() })
	if c.MongoDBMigrate {
		a.onClose(migrateBeside(store, logger))
	}
	if embedded, ok := store.(snapshotter); ok {
		if control, err := openControl(c, embedded, p.Now, logger); err != nil {
			logger.LogAttrs(ctx, slog.LevelWarn, "no control socket: backup and purge need the server stopped")
		} else {
			a.onClose(control.close)
		}
	}
	if p.WrapStore != nil {
		store = p.WrapStore(store)
	}

	rdb, closeRedis, err := openRedis(c, p.Now)
	if err != nil {
		return nil, err
	}
	a.onClose(closeRedis)

	listener, err := listen(p.Listener, c.ListenAddr)
	if err != nil {
		return nil, fmt.Errorf("LISTEN_ADDR: %w", err)
	}
	a.onClose(func() { _ = listener.Close() })
	a.url = c.PublicURL

	linkKeys, err := secretKeys(c.LinkKeys, c.DataDir, "link-keys")
	if err != nil {
		return nil, err
	}
	a.service, err = plr.New(plr.Config{
		Store: store, Now: p.Now, Random: rand.Reader, LinkKeys: linkKeys,
		PublicURL: c.PublicURL, Marking: c.Marking, PINSlots: c.PINSlots,
	})
	if err != nil {
		return nil, err
	}

	sessionKeys, err := secretKeys(c.SessionKeys, c.DataDir, "session-keys")
	if err != nil {
		return nil, err
	}
	pages, err := web.New(web.Config{
		Redeemer: a.service, PublicURL: c.PublicURL, Explorer: c.Explorer, Schema: c.SchemaOpen,
		Identity: c.OIDC.Identity.VTR != "", Development: !c.production(),
		Random: rand.Reader, Logger: logger,
	})
	if err != nil {
		return nil, err
	}
	signIn, err := a.openSignIn(ctx, c, p, rdb, sessionKeys, pages.AppRefused, logger)
	if err != nil {
		return nil, err
	}

	a.health = &health{store: store, redis: rdb, logger: logger}
	limits := newRateLimits(c, sessionKeys, openRateLimiter(c, rdb, p.Now, logger), logger)
	handler := routes(c, &handlers{
		graphql: newGraphQL(&resolvers.Root{Service: a.service, Sessions: signIn, PublicURL: c.PublicURL, ProvesIdentity: signIn.ProvesIdentity()}, c.SchemaOpen, limits, logger), signIn: signIn, pages: pages, health: a.health, service: a.service, limits: limits,
	}, logger)
	a.server = newHTTPServer(handler, logger)
	if c.TLSCertFile != "" {
		certificate, err := tls.LoadX509KeyPair(c.TLSCertFile, c.TLSKeyFile)
		if err != nil {
			return nil, fmt.Errorf("TLS_CERT_FILE and TLS_KEY_FILE: %w", err)
		}
		a.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	}
	a.serveOn(a.server, listener)
	return a, nil
}

// openSignIn wires the relying party, and in development its provider.
func (a *app) openSignIn(ctx context.Context, c *config, p parts, rdb redis.UniversalClient, sealKeys plr.LinkKeys, errorPage func(http.ResponseWriter, *http.Request, int, string), logger *slog.Logger) (*signin.SignIn, error) {
	key, keyID, err := clientKey(c)
	if err != nil {
		return nil, err
	}
	config := signin.Config{
		Issuer: c.OIDC.Issuer, ClientID: c.OIDC.ClientID, ClientKey: key, ClientKeyID: keyID,
		AssertionAlg: c.OIDC.AssertionAlg, IDTokenAlg: c.OIDC.IDTokenAlg, Scopes: c.OIDC.Scopes,
		LogoutTokenAlg: c.OIDC.LogoutTokenAlg, AuthVTR: c.OIDC.AuthVTR, Identity: c.OIDC.Identity, Reauth: signin.Reauth(c.OIDC.Reauth),
		RequestObject: c.OIDC.UseJAR, ProviderHosts: c.OIDC.ProviderHosts,
		PublicURL: c.PublicURL, Now: p.Now, Random: rand.Reader, Redis: rdb, Accounts: a.service,
		AllowedOrigins: c.AllowedOrigins, AppClients: c.AppClients, StaffRoles: c.StaffRoles,
		WebIdle: c.SessionIdle, WebAbsolute: c.SessionLife,
		AppIdle: c.AppSession.Idle, AppAbsolute: c.AppSession.Life, AppLockedAbsolute: c.AppSession.LifeLocked, ErrorPage: errorPage,
		UserAgent: c.OIDC.UserAgent, Logger: logger,
	}
	if c.devop() {
		provider, err := a.openDevop(ctx, c, p, &key.PublicKey, keyID, logger)
		if err != nil {
			return nil, err
		}
		provider.introduce(&config)
	} else if config.OtherClientKeys, err = otherClientKeys(c.OIDC.OtherKeys); err != nil {
		return nil, fmt.Errorf("OIDC_OTHER_CLIENT_KEYS: %w", err)
	}
	for _, k := range sealKeys {
		config.SealKeys = append(config.SealKeys, signin.SealKey{ID: k.ID, Key: k.Key[:32]})
	}
	signIn, err := signin.New(config)
	if err != nil {
		return nil, err
	}
	a.onClose(func() { _ = signIn.Close() })
	// A provider that is down is waited for; one that is not the configured one
	// must never be used.
	probe, cancel := context.WithTimeout(ctx, providerProbe)
	defer cancel()
	if err := signIn.CheckProvider(probe); errors.Is(err, signin.ErrProviderMismatch) {
		return nil, fmt.Errorf("OIDC_ISSUER: %w", err)
	} else if err != nil {
		logger.LogAttrs(ctx, slog.LevelWarn, "the sign-in provider does not answer yet")
	}
	return signIn, nil
}

// providerProbe is how long starting waits for the sign-in provider.
const providerProbe = 3 * time.Second

// newHTTPServer bounds every phase of a connection, so that slow clients
// cannot hold it.
func newHTTPServer(handler http.Handler, logger *slog.Logger) *http.Server {
	// HTTP/2 shares one connection between answers, so a write deadline cannot
	// stop the bytes of one: what is disclosed could leave after its deadline.
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	return &http.Server{
		Protocols: &protocols, Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: log.New(quietly{logger}, "", 0),
	}
}

func listen(given net.Listener, addr string) (net.Listener, error) {
	if given != nil {
		return given, nil
	}
	return (&net.ListenConfig{}).Listen(context.Background(), "tcp", addr)
}

func (a *app) serveOn(server *http.Server, listener net.Listener) {
	go func() {
		var err error
		if server.TLSConfig != nil {
			err = server.ServeTLS(listener, "", "")
		} else {
			err = server.Serve(listener)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			a.failed <- err
		}
	}()
}

// wait serves until ctx ends or a listener fails, then drains and closes.
func (a *app) wait(ctx context.Context) error {
	var failure error
	select {
	case <-ctx.Done():
	case failure = <-a.failed:
	}
	a.stop()
	return failure
}

// stop takes the service out of readiness, lets requests finish and closes
// everything in the opposite order of opening.
func (a *app) stop() {
	a.health.stopping.Store(true)
	if a.config.production() {
		// Load balancers look every second or so: they must see the word before
		// the listener is gone.
		<-time.After(stopNotice)
	}
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	if err := a.server.Shutdown(ctx); err != nil {
		_ = a.server.Close()
	}
	a.close()
}

func (a *app) onClose(f func()) { a.closers = append(a.closers, f) }

func (a *app) close() {
	for i := len(a.closers) - 1; i >= 0; i-- {
		a.closers[i]()
	}
	a.closers = nil
}

// printWhere says where everything is.
func (a *app) printWhere(w io.Writer) {
	line := func(name, format string, args ...any) {
		_, _ = fmt.Fprintf(w, "  %-18s "+format+"\n", append([]any{name}, args...)...)
	}
	_, _ = fmt.Fprintf(w, "OpenPLR (%s) is serving:\n", a.config.Env)
	line("start here", "%s/", a.url)
	if a.config.Explorer {
		line("explorer", "%s/explorer", a.url)
	}
	line("GraphQL", "%s/graphql (POST)", a.url)
	line("open a link", "%s/s", a.url)
	line("health", "%s/healthz, %s/readyz", a.url, a.url)
	if a.devop != "" {
		line("sign-in provider", "%s (development; signing in leads there)", a.devop)
	}
	line("data", "%s", a.config.DataDir)
	if a.samplesLeftOut {
		line("sample learners", "left out, because other learners were imported first; to add them: server import lrs/samples/*.xml")
	}
}

func newLogger(c *config, w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: slog.LevelInfo}
	if c.production() {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
