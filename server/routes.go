package main

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	openplr "openplr"
	"openplr/plr"
	"openplr/signin"
	"openplr/web"
)

// handlers is everything that routes lead to.
type handlers struct {
	graphql *graphqlHandler
	signIn  *signin.SignIn
	pages   *web.Pages
	health  *health
	service *plr.Service
	limits  *rateLimits
}

// routes shows every route, and below the order of middleware.
func routes(c *config, h *handlers, logger *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	who := h.signIn.Identify

	// Every route but probes, assets and keys has a limit.
	page := func(handler http.HandlerFunc) http.Handler { return h.limited(limitPage, byAddress, handler) }
	signIn := func(handler http.HandlerFunc) http.Handler { return h.limited(limitSignIn, byAddress, handler) }

	// For people.
	mux.Handle("GET /{$}", page(h.pages.Home))
	mux.Handle("GET /s", page(h.pages.Redeem))
	mux.Handle("GET /s/redeem", page(h.pages.Redeem)) // somebody reloads the address after a refusal
	mux.Handle("POST /s/redeem", h.limited(limitRedeem, byAddress, http.HandlerFunc(h.pages.RedeemSubmit)))
	mux.Handle("GET /signed-out", page(h.pages.SignedOut))
	mux.Handle("GET /sign-in/problem", page(h.pages.Problem))
	mux.Handle("GET /app/callback", page(h.pages.AppCallback))
	mux.Handle("GET /identity/continue", page(h.pages.IdentityContinue))
	mux.HandleFunc("GET /static/", h.pages.Static)
	if c.Explorer {
		mux.Handle("GET /explorer", page(h.pages.Explorer))
		mux.HandleFunc("GET /explorer/", h.pages.Explorer)
	}
	mux.Handle("/", page(h.pages.NotFound))

	// For programs. GraphQL answers every method itself, so that a wrong one
	// gets an error of the closed list, and takes its own limits.
	mux.Handle("/graphql", h.graphql.guard(who))
	if c.SchemaOpen {
		mux.Handle("GET /schema.graphqls", page(schemaFile))
	}
	mux.Handle("GET /share-links/{id}/{image}", who(h.limited(limitQRCode, bySession, http.HandlerFunc(h.shareLinkQR))))

	// Sign-in. The handlers know their methods and refuse others with 405, and find
	// out by themselves who asks. Signing out is a page like others: nobody who wants
	// to leave may be kept by what is meant for those who come.
	mux.Handle("/auth/login", signIn(h.signIn.Login))
	mux.Handle("/auth/callback", signIn(h.signIn.Callback))
	mux.Handle("/auth/step-up", signIn(h.signIn.StepUp))
	mux.Handle(signin.IdentityStartPath, signIn(h.signIn.IdentityStart))
	mux.Handle("/auth/identity/return", page(h.signIn.IdentityReturn))
	mux.Handle("/auth/session", page(h.signIn.Session))
	mux.Handle("/auth/session/extend", page(h.signIn.ExtendSession))
	mux.Handle("/auth/sessions", page(h.signIn.Sessions))
	mux.Handle("DELETE /auth/sessions", page(h.signIn.EndOtherSessions))
	mux.Handle("/auth/sessions/{id}", page(h.signIn.EndSessionByID))
	mux.Handle("/auth/logout", page(h.signIn.Logout))
	mux.Handle("/auth/signed-out", page(h.signIn.SignedOut))

	// The provider and mobile apps call these without a cookie, an Origin or
	// Sec-Fetch-Site, and so past the cross-origin check; what they send vouches for
	// them.
	mux.Handle("/auth/backchannel-logout", h.limited(limitBackchannel, byAddress, http.HandlerFunc(h.signIn.BackchannelLogout)))
	mux.Handle("/auth/app/authorize", signIn(h.signIn.AppAuthorize))
	mux.Handle("/auth/app/token", h.limited(limitAppToken, byAddress, http.HandlerFunc(h.signIn.AppToken)))
	mux.Handle("/auth/app/revoke", h.limited(limitAppToken, byAddress, http.HandlerFunc(h.signIn.AppRevoke)))
	mux.Handle("/auth/app/handoff", page(h.signIn.AppHandoff))

	// Read by machines and kept by caches: the provider reads our keys, and phones
	// which apps may take our addresses over.
	mux.HandleFunc("GET /.well-known/apple-app-site-association", h.signIn.AppleAssociation)
	mux.HandleFunc("GET /.well-known/assetlinks.json", h.signIn.AssetLinks)
	mux.HandleFunc("GET /.well-known/jwks.json", h.signIn.ClientKeys)

	// For operators.
	mux.HandleFunc("GET /healthz", h.health.live)
	mux.HandleFunc("GET /readyz", h.health.ready)

	// Outermost first. observe is outside everything, so that every answer has a
	// line and a panic anywhere has an answer; the headers come before anything
	// that may refuse, so that refusals carry them too; the host before any work.
	// Leave for our other front ends comes before the cross-origin check, so that
	// their scripts can read refusals too, and answers a browser that asks for leave
	// itself: /graphql knows no OPTIONS. The check then lets the same origins
	// through, and nobody else: a sibling subdomain is as foreign as any site.
	crossOrigin := http.NewCrossOriginProtection()
	crossOrigin.SetDenyHandler(http.HandlerFunc(h.crossOriginRefused))
	for _, origin := range c.AllowedOrigins {
		_ = crossOrigin.AddTrustedOrigin(origin) // an origin, as the settings were checked to be
	}
	public, _ := url.Parse(c.PublicURL) // validated at start
	layers := []func(http.Handler) http.Handler{
		observe(logger, mux, h.fault),
		web.SecureHeaders(public.Scheme == "https"),
	}
	if c.production() {
		layers = append(layers, onlyHost(public.Host))
	}
	layers = append(layers, cors(c.AllowedOrigins), crossOrigin.Handler, atMost(maxBody))
	var out http.Handler = mux
	for i := len(layers) - 1; i >= 0; i-- {
		out = layers[i](out)
	}
	return out
}

// atMost is the most that anybody may send; handlers that expect less say so.
func atMost(size int64) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return http.MaxBytesHandler(next, size) }
}

func (h *handlers) crossOriginRefused(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/graphql" {
		h.graphql.refuse(w, orJSON(negotiate(r.Header.Values("Accept"))), &requestFault{status: http.StatusForbidden, code: "CSRF_BLOCKED", message: "This request came from another site."})
		return
	}
	h.pages.ErrorPage(w, r, http.StatusForbidden, requestID(r.Context()))
}

func schemaFile(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(openplr.Schema))
}

// shareLinkQR draws the code of one of the asking learner's links:
// /share-links/{id}/qr.png or qr.svg, with size in pixels.
func (h *handlers) shareLinkQR(w http.ResponseWriter, r *http.Request) {
	format, ok := map[string]plr.QRFormat{"qr.png": plr.QRFormatPNG, "qr.svg": plr.QRFormatSVG}[r.PathValue("image")]
	if !ok {
		h.pages.NotFound(w, r)
		return
	}
	size, ok := qrSize(r.URL.Query().Get("size"))
	if !ok {
		http.Error(w, "Choose a size from 128 to 1024 pixels.", http.StatusBadRequest)
		return
	}
	account, err := signin.From(r.Context()).Require()
	if err != nil {
		status := http.StatusUnauthorized
		if plr.CodeOf(err) == plr.CodeUnavailable {
			status = http.StatusServiceUnavailable
			w.Header().Set("Retry-After", "2")
		}
		http.Error(w, "Sign in to see this.", status)
		return
	}
	link, err := h.service.ShareLink(r.Context(), account.ULN, r.PathValue("id"))
	if err == nil {
		var code *plr.QRCode
		if code, err = h.service.ShareLinkQR(r.Context(), link, format, size); err == nil {
			w.Header().Set("Content-Type", code.MediaType)
			_, _ = w.Write(code.Image)
			return
		}
	}
	if plr.CodeOf(err) == plr.CodeUnavailable {
		w.Header().Set("Retry-After", "2")
		http.Error(w, "The service cannot do this at the moment.", http.StatusServiceUnavailable)
		return
	}
	h.pages.NotFound(w, r)
}

// qrSize reads a size; the default is that of the API.
func qrSize(text string) (int, bool) {
	if text == "" {
		return 512, true
	}
	if len(text) > 4 || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n := 0
	for _, c := range text {
		n = n*10 + int(c-'0')
	}
	return n, n >= plr.MinQRSize && n <= plr.MaxQRSize
}

// fault is the answer when a handler panicked.
func (h *handlers) fault(w http.ResponseWriter, r *http.Request) {
	h.pages.ErrorPage(w, r, http.StatusInternalServerError, requestID(r.Context()))
}
