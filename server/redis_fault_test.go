package main

import (
	"context"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// redisHouse is a service before a real Redis, with a proxy between.
type redisHouse struct {
	*harness
	proxy  *tcpProxy
	server *redisProcess
	id     string // of a link with the PIN 2580
	secret string // of that link
	open   string // the secret of a link without a PIN
	made   *browser
}

// newRedisHouse starts it with two links that an adult has made.
func newRedisHouse(t *testing.T, limits string, more ...string) *redisHouse {
	t.Helper()
	r := &redisHouse{proxy: newTCPProxy(t), server: startRedis(t)}
	r.proxy.to(r.server.addr())
	r.harness = newHarness(t, harnessOptions{env: limitedTo(limits, append([]string{"REDIS_URL", "redis://" + r.proxy.addr()}, more...)...)})
	r.made = r.signedIn(sample(t, adult).Subject)
	r.id, r.secret = sharedLink(t, r.made, "pin", "2580")
	_, r.open = sharedLink(t, r.made)
	return r
}

// wantFailClosed: nobody counts as signed in, nobody can sign in, and both are
// told in bounded time when to try again.
func (r *redisHouse) wantFailClosed(t *testing.T) {
	t.Helper()
	began := time.Now()
	a := r.made.ask(`{viewer{signedIn} learner{uln}}`, nil)
	if a.status != 503 || a.code() != "UNAVAILABLE" || a.header.Get("Retry-After") == "" || strings.Contains(a.raw, string(sample(t, adult).ULN)) {
		t.Errorf("session: %d %v %s", a.status, a.header, a.raw)
	}
	if p := r.browser().get("/auth/login"); p.status != 503 || p.header.Get("Retry-After") == "" || !strings.Contains(p.body, "session_store_unavailable") {
		t.Errorf("sign-in: %d %s", p.status, p.body)
	}
	if p := r.made.get("/auth/session"); p.status != 503 || p.header.Get("Retry-After") == "" {
		t.Errorf("session status: %d", p.status)
	}
	if p := r.browser().get("/healthz"); p.status != 200 {
		t.Errorf("not alive: %d", p.status)
	}
	if p := r.browser().get("/readyz"); p.status != 503 {
		t.Errorf("ready: %d", p.status)
	}
	if took := time.Since(began); took > 5*2*time.Second {
		t.Errorf("five answers took %s", took)
	}
}

// wantFloor: links open, and no more of them than the limit says.
func (r *redisHouse) wantFloor(t *testing.T, most int) {
	t.Helper()
	through := 0
	for i := range most + 5 {
		if i%2 == 0 {
			if a := r.browser().ask(redeem, redeemVars(r.open, "")); a.status == 200 && outcome(a) == "SharedRecord" {
				through++
			} else if a.status != 429 {
				t.Errorf("%d %s", a.status, a.raw)
			}
			continue
		}
		form := url.Values{"link": {r.open}, "name": {"Sam"}, "purpose": {"OTHER"}, "terms": {"accepted"}}
		if p := r.browser().form("/s/redeem", form); p.status == 200 {
			through++
		} else if p.status != 429 {
			t.Errorf("%d", p.status)
		}
	}
	if through != most {
		t.Errorf("%d redemptions got through without Redis, not %d", through, most)
	}
}

func (r *redisHouse) wantRecovery(t *testing.T, signedIn bool) {
	t.Helper()
	waitWithin(t, 10*time.Second, "ready without a restart", func() bool { return r.browser().get("/readyz").status == 200 })
	waitWithin(t, 10*time.Second, "sessions are known again", func() bool {
		a := r.made.ask(`{viewer{signedIn}}`, nil)
		return a.status == 200 && a.at("viewer", "signedIn") == signedIn
	})
	r.signedIn(sample(t, another).Subject)
}

// F8: Redis is down when the service starts, and comes later.
func TestRedisDownAtStart(t *testing.T) {
	t.Parallel()
	dir, server := t.TempDir(), newRedis(t)
	r := &redisHouse{server: server}
	t.Run("before", func(t *testing.T) {
		h := newHarness(t, harnessOptions{dir: dir})
		_, r.open = sharedLink(t, h.signedIn(sample(t, adult).Subject))
	})
	r.harness = newHarness(t, harnessOptions{dir: dir, env: limitedTo("redeem=4/1h", "REDIS_URL", server.url())})
	r.made = r.browser()
	r.made.header.Set("Cookie", "__Host-Http-lr-session=lrw_"+strings.Repeat("A", 43))
	r.wantFailClosed(t)
	r.wantFloor(t, 4)
	server.start(t)
	r.wantRecovery(t, false)
}

// F8: Redis goes away and comes back.
func TestRedisDownLater(t *testing.T) {
	t.Parallel()
	r := newRedisHouse(t, "redeem=4/1h")
	r.proxy.to("")
	r.wantFailClosed(t)
	r.wantFloor(t, 4)
	if n := strings.Count(r.logs.String(), "limits hold per process"); n != 1 {
		t.Errorf("told %d times that limits hold per process", n)
	}
	r.proxy.to(r.server.addr())
	r.wantRecovery(t, true)
	waitUntil(t, "limits are shared again", func() bool {
		r.browser().get("/")
		return strings.Contains(r.logs.String(), "rate limits are shared again")
	})
}

// F9: all of Redis is lost. People sign in again; nothing else has changed.
func TestRedisFlushed(t *testing.T) {
	t.Parallel()
	r := newRedisHouse(t, "redeem=1000/1s")
	optedOut := r.signedIn(sample(t, another).Subject)
	_, closed := sharedLink(t, optedOut)
	optedOut.must(`mutation { setSharingPreference(input: {optOut: true, consequencesAcknowledged: true}) { userErrors { code message path } } }`, nil)
	view := r.made.everythingView()
	input := vars("viewId", view, "purpose", "EMPLOYMENT", "idempotencyKey", "a-key-of-this-test")
	link := r.made.must(createLink, input).at("createShareLink", "shareLink", "id")
	if a := r.browser().must(redeem, redeemVars(r.open, "")); outcome(a) != "SharedRecord" {
		t.Fatalf("%s", a.raw)
	}
	for range 3 {
		r.browser().must(redeem, redeemVars(r.secret, "0000"))
	}
	if err := r.server.client(t).FlushAll(context.Background()).Err(); err != nil {
		t.Fatal(err)
	}
	isSignedIn(t, r.made, false)
	isSignedIn(t, optedOut, false)
	for range 2 { // the fourth and the fifth guess
		r.browser().must(redeem, redeemVars(r.secret, "0000"))
	}
	if a := r.browser().must(redeem, redeemVars(r.secret, "2580")); outcome(a) == "SharedRecord" {
		t.Error("losing Redis gave new guesses")
	}
	if a := r.browser().must(redeem, redeemVars(closed, "")); outcome(a) != "ShareUnavailable" {
		t.Errorf("losing Redis opened what was closed: %s", a.raw)
	}
	again := r.signedIn(sample(t, adult).Subject)
	if status, _, _ := again.linkNow(r.id); status != "FROZEN" {
		t.Errorf("the link is %s", status)
	}
	if got := again.must(createLink, input).at("createShareLink", "shareLink", "id"); got != link {
		t.Errorf("an idempotency key made two links: %v and %v", link, got)
	}
}

// F10: Redis is slow. What can be done without it is not slowed down by more
// than one budget a second; what needs it fails closed in bounded time.
func TestRedisSlow(t *testing.T) {
	t.Parallel()
	const budget = 250 * time.Millisecond
	for _, delay := range []time.Duration{2 * budget, time.Second, 5 * time.Second} {
		t.Run(delay.String(), func(t *testing.T) {
			t.Parallel()
			r := newRedisHouse(t, "redeem=1000/1s", "REDIS_TIMEOUT", budget.String())
			var before, during []time.Duration
			measure := func(into *[]time.Duration) {
				for range 60 {
					began := time.Now()
					if a := r.browser().ask(redeem, redeemVars(r.open, "")); outcome(a) != "SharedRecord" {
						t.Fatalf("%d %s", a.status, a.raw)
					}
					*into = append(*into, time.Since(began))
				}
				slices.Sort(*into)
			}
			measure(&before)
			r.proxy.slow(delay)
			began := time.Now()
			measure(&during)
			if most := int(2 + time.Since(began)/rateAway); r.proxy.waits() > 3*most { // a new connection may wait for its greeting too
				t.Errorf("Redis was waited for %d times in %s", r.proxy.waits(), time.Since(began))
			}
			t.Logf("median %s, then %s; slowest %s, then %s; Redis asked %d times", before[30], during[30], before[59], during[59], r.proxy.waits())
			if grown := during[59] - before[59]; grown > budget+500*time.Millisecond {
				t.Errorf("the slowest answer grew by %s", grown)
			}
			r.wantFailClosed(t)
			r.proxy.slow(0)
			r.wantRecovery(t, true)
		})
	}
}

// F11: Redis fails over to a copy from before people signed out. Whoever was
// signed out stays so; the copy's other sessions live.
func TestRedisReplacedByStaleCopy(t *testing.T) {
	t.Parallel()
	r := newRedisHouse(t, "redeem=1000/1s")
	everywhere, elsewhere := r.signedIn(sample(t, another).Subject), r.signedIn(sample(t, another).Subject)
	alone := r.signedIn(sample(t, adult).Subject) // a second session beside r.made
	if a := r.browser().must(redeem, redeemVars(r.secret, "0000")); outcome(a) != "PinRequired" {
		t.Fatalf("%s", a.raw)
	}
	ctx := context.Background()
	if err := r.server.client(t).Save(ctx).Err(); err != nil {
		t.Fatal(err)
	}
	stale := newRedis(t)
	copyFile(t, filepath.Join(r.server.dir, "dump.rdb"), filepath.Join(stale.dir, "dump.rdb"))
	stale.start(t)

	for range 4 {
		r.browser().must(redeem, redeemVars(r.secret, "0000"))
	}
	r.clock.Advance(time.Second)
	everywhere.signOut(`{"everywhere":true}`)
	alone.signOut(`{}`)
	for _, b := range []*browser{everywhere, elsewhere, alone} {
		isSignedIn(t, b, false)
	}
	r.proxy.to(stale.addr())
	r.clock.Advance(2 * time.Second) // no replica believes an account for longer
	waitUntil(t, "the copy is used", func() bool { return r.browser().get("/readyz").status == 200 })
	if n := stale.client(t).DBSize(ctx).Val(); n == 0 {
		t.Fatal("the copy is empty")
	}
	for name, b := range map[string]*browser{"everywhere": everywhere, "on another device": elsewhere, "alone": alone} {
		if a := b.ask(`{viewer{signedIn}}`, nil); a.at("viewer", "signedIn") != false {
			t.Errorf("a session that was signed out %s lives again: %s", name, a.raw)
		}
	}
	isSignedIn(t, r.made, true)
	if a := r.browser().must(redeem, redeemVars(r.secret, "2580")); outcome(a) == "SharedRecord" {
		t.Error("an older Redis gave new guesses")
	}
}

// F12: Redis is full. It reads on, so sessions live; limits hold per process.
func TestRedisFull(t *testing.T) {
	t.Parallel()
	r := newRedisHouse(t, "redeem=4/1h")
	direct := r.server.client(t)
	if err := direct.ConfigSet(context.Background(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	isSignedIn(t, r.made, true)
	r.wantFloor(t, 4)
	if text := r.logs.String(); !strings.Contains(text, "limits hold per process") || !strings.Contains(text, "OOM") {
		t.Error("nobody is told that Redis is full")
	}
	if p := r.browser().get("/auth/login"); p.status != 503 || !strings.Contains(p.body, "session_store_unavailable") {
		t.Errorf("%d %s", p.status, p.body)
	}
	// Not being able to extend a session does not end it; signing out works.
	r.clock.Advance(2 * time.Minute)
	isSignedIn(t, r.made, true)
	r.made.signOut("{}")
	isSignedIn(t, r.made, false)
	r.clock.Advance(-2 * time.Minute)
	if err := direct.ConfigSet(context.Background(), "maxmemory", "0").Err(); err != nil {
		t.Fatal(err)
	}
	r.wantRecovery(t, false)
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	source, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = source.Close() }()
	target, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(target, source); err != nil {
		t.Fatal(err)
	}
	if err := target.Close(); err != nil {
		t.Fatal(err)
	}
}
