// Package devop is the OpenID provider of the development binary: it lets a
// newcomer, and a test, sign in as an invented person without an account
// anywhere. It is shaped like GOV.UK One Login where an app would notice, so that
// what works here works there: levels (vtr and vot), the core identity JWT by its
// DID document, return codes, signed requests, logout tokens without sid.
//
// # It never runs in production
//
// Anyone who can reach it can be anyone it lists. The caller keeps it out of
// production builds by a build tag and starts it on a loopback address only;
// the package itself refuses nothing but the page-less sign-in ("dev_auto")
// when the issuer is not a loopback address.
//
// # What may be touched, and by whom
//
// The outside world sees [New], [Config] and [Person], and HTTP. Nothing of
// github.com/luikyv/go-oidc, which does the protocol, may appear in the exported
// API: it is a one-maintainer v0 library and must stay replaceable. The package
// imports nothing of ours; keep it so.
//
// One concern, one file:
//
//	config.go      what the caller says, and every fault in it at once; person.go the people
//	provider.go    New: the protocol library, assembled
//	handler.go     routes and the rules that hold for every request
//	discovery.go   the metadata document: the library's, corrected
//	authorize.go   what is checked before the library sees /authorize
//	request.go     what a request asks for beyond the library; level.go its vtr
//	jar.go         signed requests, opened
//	policy.go      who may sign in, and how a trip ends
//	page.go        the pages, with templates/ and style.css; text.go their words
//	endsession.go  sign-out, which the library would refuse with an expired hint
//	everywhere.go  sign-out of everything, by a page
//	backchannel.go logout tokens
//	hint.go        reading an ID token that we issued ourselves
//	claims.go      what the ID token and userinfo say
//	identity.go    the core identity JWT, address and return codes; did.go its key
//	keys.go        signing keys and client keys
//	store.go       sessions, codes and tokens in flight; shelf.go the map with a deadline
//	fault.go       errors: what the page shows and what the log may hold
//
// # The clock
//
// go-oidc has no clock: it reads time.Now. Everything that can be taken out of
// its hands follows [Config.Now]: the times in ID tokens and the lifetimes of
// sessions, codes, access tokens and seen assertion ids, and whether a signed
// request has expired. One thing cannot: the
// exp, iat and nbf of a client assertion are judged by the machine's clock.
package devop
