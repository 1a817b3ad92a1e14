// Package signin lets people sign in through an OpenID provider and remembers
// that they did: the relying party, the web sessions and the middleware that
// tells every other room who is asking.
//
// # What may be touched, and by whom
//
// The package imports plr and nothing else of ours. The outside world sees
// [New], the handlers (each a method that fits http.HandlerFunc), [SignIn.Identify]
// with [From] and [Who], and the fixed list of [Problem] codes that the web room
// has pages for. No token of the provider leaves this package, and no text of
// the provider is ever shown or logged.
//
// One concern, one file:
//
//	signin.go          Config, every fault in it at once, New
//	trip.go            the way out to the provider, of every trip
//	login.go           GET  /auth/login
//	step_up.go         GET  /auth/step-up; who comes back, and how fresh
//	identity.go        GET  /auth/identity/start and /auth/identity/return
//	callback.go        GET  /auth/callback, the way back, of every trip
//	session_status.go  GET  /auth/session
//	session_extend.go  POST /auth/session/extend, and what such requests must carry
//	session_list.go    GET, DELETE /auth/sessions and DELETE /auth/sessions/{id}
//	logout.go          POST /auth/logout, GET /auth/signed-out
//	backchannel.go     POST /auth/backchannel-logout, by which the provider says so
//	request_object.go  authorization requests as signed objects
//	assertion.go       private_key_jwt and GET /.well-known/jwks.json
//	provider.go        metadata: lazy, re-read, last good copy kept
//	transport.go       what holds for every call to the provider
//	key_set.go         the provider's keys, and those of a DID document
//	did.go             which keys of a DID document count
//	id_token.go        what an ID token must satisfy
//	vector.go          vectors of trust: asked for, and whether they are met
//	staff_role.go      who is staff
//	user_info.go       what the provider tells about a person
//	core_identity.go   what proves an identity, and what is kept of it
//	transaction.go     one trip to the provider, in Redis
//	session.go         one session, in Redis: how it begins
//	session_renew.go   a new token at each authentication
//	session_live.go    whether it lives, and longer for being seen
//	session_end.go     how it ends
//	account_cache.go   the durable word on sessions, at most one second old
//	app_client.go      the mobile apps that may have sessions
//	app_authorize.go   GET  /auth/app/authorize, an app's way out
//	app_arrive.go      its way back
//	app_code.go        the code that it gets there
//	app_token.go       POST /auth/app/token: a code for tokens
//	app_refresh.go     and a refresh token for new ones
//	app_family.go      an app session begun, and renewed by step-up
//	app_session.go     its record, in Redis, and its tokens
//	app_handoff.go     POST /auth/app/handoff, from an app to the browser
//	app_revoke.go      POST /auth/app/revoke
//	app_links.go       the files by which apps claim our link
//	who.go             who is asking
//	cookie.go          the two cookies
//	return_to.go       where a person goes after signing in
//	problem.go         refusals: codes, pages, JSON, the audit line
//	body.go            the small JSON bodies of requests
//	way.go             where a refusal sends people
//	secret.go, seal.go secrets: made, hashed, sealed
//
// # What is promised
//
// Redis holds nothing that signs anybody in: tokens, states and nonces are there
// as hashes, the id_token hint and the PKCE verifier sealed. Losing Redis costs a
// new sign-in and nothing else, and can never bring an ended session back: a
// session lives only while its record is there, the account's epoch key is there
// and equal, the account's SessionsInvalidBefore, kept in the durable store, is
// not later than the session, and its proof is later than the person's newest
// sign-out at the provider, which Redis and the durable store both keep. When Redis or the durable store does not
// answer, nobody is signed in.
//
// A session that is authenticated anew gets a new token. It keeps its handle and
// its limits; the durable store knows each of its earlier tokens by handle and
// number until they would have idled out, so that none comes back with a stale
// Redis, while ending the handle ends whatever token it has by then. A step-up or
// identity trip belongs to one session and one account: it ends well only when the
// session still lives and the same person comes back.
//
// A core identity JWT is verified, read and forgotten. Nothing of it is logged,
// and of what it says only names, date of birth and postcodes go on, to Accounts.
//
// # Room that is left
//
// A session has a kind, so that app sessions become another; every
// secret is hashed under its use, so that a bearer token can never serve as a
// cookie. Session records change by compare-and-set only.
package signin
