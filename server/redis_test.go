package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func TestRedisURL(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]*redisTarget{
		"redis://h":                  {kind: redisSingle, addresses: []string{"h:6379"}},
		"rediss://u:p%40ss@h:6380/3": {kind: redisSingle, tls: true, addresses: []string{"h:6380"}, username: "u", password: "p@ss", db: 3},
		"redis://:p:q@[::1]:6380":    {kind: redisSingle, addresses: []string{"[::1]:6380"}, password: "p:q"},
		"unix:///run/r.sock?db=2":    {kind: redisUnix, addresses: []string{"/run/r.sock"}, db: 2},
		"unix://u:p@/run/r.sock":     {kind: redisUnix, addresses: []string{"/run/r.sock"}, username: "u", password: "p"},
		"rediss+sentinel://u:p@a,b:1/main/4?sentinel_username=s&sentinel_password=q": {
			kind: redisSentinel, tls: true, addresses: []string{"a:26379", "b:1"}, username: "u", password: "p", db: 4,
			master: "main", sentinelUsername: "s", sentinelPassword: "q"},
		"redis+cluster://a:1,b,[::1]:3": {kind: redisCluster, addresses: []string{"a:1", "b:6379", "[::1]:3"}},
	} {
		if got, err := parseRedisURL(text); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "h:6379", "redis:h", "http://h", "redis://", "redis://h:0", "redis://h:99999", "redis://h:x", "redis://a,b", "redis://h/x", "redis://h/300",
		"redis://h?skip_verify=true", "redis://h?max_retries=9", "redis://h#x", "redis+x://h", "unix:///run/r.sock?db=1&db=2", "unix://", "unix://h/p?db=x", "unix+cluster:///p",
		"redis+cluster://a,b/1", "redis+sentinel://a", "redis+sentinel://a/", "redis+sentinel://,/m", "redis://%zz@h", "redis://h?a=%zz",
	} {
		if got, err := parseRedisURL(text); err == nil {
			t.Errorf("%q is accepted: %+v", text, got)
		}
	}
}

// openTestRedis opens REDIS_URL as the server does.
func openTestRedis(t *testing.T, address string) redis.UniversalClient {
	t.Helper()
	c, err := readConfig(func(name string) string { return map[string]string{"REDIS_URL": address, "REDIS_TIMEOUT": "1s"}[name] })
	if err != nil {
		t.Fatal(err)
	}
	client, done, err := openRedis(c, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(done)
	return client
}

// A counter counts once, also when the answer is lost on the way; what changes
// nothing is asked again.
func TestLostAnswersCountOnce(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"single", "cluster"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			proxy := newTCPProxy(t)
			scheme, args := "redis://", []string{}
			if kind == "cluster" {
				scheme = "redis+cluster://"
				args = []string{"--cluster-enabled", "yes", "--cluster-announce-ip", "127.0.0.1", "--cluster-announce-port", fmt.Sprint(proxy.port())}
			}
			server := startRedis(t, args...)
			direct := server.client(t)
			if kind == "cluster" {
				if err := direct.Do(t.Context(), "cluster", "addslotsrange", 0, 16383).Err(); err != nil {
					t.Fatal(err)
				}
				waitUntil(t, "the cluster is complete", func() bool {
					return strings.Contains(direct.ClusterInfo(t.Context()).Val(), "cluster_state:ok")
				})
			}
			proxy.to(server.addr())
			client := openTestRedis(t, scheme+proxy.addr())
			count := redis.NewScript(`return redis.call('INCR', KEYS[1])`)
			if err := count.Run(t.Context(), client, []string{"counter"}).Err(); err != nil {
				t.Fatal(err)
			}
			proxy.loseAnswers(1)
			if err := count.Run(t.Context(), client, []string{"counter"}).Err(); err == nil {
				t.Error("an answer that was lost is no failure")
			}
			if got := direct.Get(t.Context(), "counter").Val(); got != "2" {
				t.Errorf("counted %s, want 2", got)
			}
			if err := client.Set(t.Context(), "other", "value", 0).Err(); err != nil {
				t.Error(err)
			}
			proxy.loseAnswers(1)
			if err := client.Set(t.Context(), "other", "later", 0).Err(); err == nil {
				t.Error("a write that may have happened was sent again")
			}
			if got := client.Get(t.Context(), "other").Val(); got != "later" {
				t.Errorf("%q", got)
			}
			proxy.loseAnswers(1)
			if got, err := client.Get(t.Context(), "counter").Result(); err != nil || got != "2" {
				t.Errorf("reading was not repeated: %q %v", got, err)
			}
			if proxy.lost() != 3 {
				t.Errorf("%d answers were lost, not 3", proxy.lost())
			}
		})
	}
}

// keyRecorder notes every command with its keys.
type keyRecorder struct {
	mu       sync.Mutex
	commands map[string]int
	faults   []string
}

// DialHook is part of redis.Hook.
func (k *keyRecorder) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook is part of redis.Hook.
func (k *keyRecorder) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		k.note([]redis.Cmder{cmd})
		return next(ctx, cmd)
	}
}

// ProcessPipelineHook is part of redis.Hook.
func (k *keyRecorder) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		k.note(cmds)
		return next(ctx, cmds)
	}
}

// note checks that everything that Redis does in one step lies in one slot: a
// command, or a transaction. A plain pipeline is many: the client sends each of
// its commands where it belongs.
func (k *keyRecorder) note(cmds []redis.Cmder) {
	k.mu.Lock()
	defer k.mu.Unlock()
	slots := map[uint16][]string{}
	for _, cmd := range cmds {
		k.commands[cmd.Name()]++
		var keys []string
		args := cmd.Args()
		word := func(i int) string { return fmt.Sprint(args[i]) }
		switch cmd.Name() {
		case "get", "set", "del", "zrem", "zrange", "pttl":
			keys = []string{word(1)}
		case "evalsha", "eval":
			n := int(reflect.ValueOf(args[2]).Int())
			for i := range n {
				keys = append(keys, word(3+i))
			}
			// A script may use only the keys it is given.
			if n == 0 {
				k.faults = append(k.faults, "a script without keys")
			}
		case "ping", "multi", "exec", "hello":
		default:
			k.faults = append(k.faults, "unknown command "+cmd.Name()+": tell this test where its keys are")
		}
		for _, key := range keys {
			if !strings.HasPrefix(key, "lr:") || !strings.Contains(key, "{") {
				k.faults = append(k.faults, "key without prefix or hash tag: "+key)
			}
			slots[slotOf(key)] = append(slots[slotOf(key)], key)
		}
	}
	if oneStep := len(cmds) == 1 || cmds[0].Name() == "multi"; oneStep && len(slots) > 1 {
		k.faults = append(k.faults, fmt.Sprintf("one step over several slots: %v", slots))
	}
}

// slotOf is the slot of a key in a cluster: CRC16 of its hash tag.
func slotOf(key string) uint16 {
	if _, rest, ok := strings.Cut(key, "{"); ok {
		if tag, _, ok := strings.Cut(rest, "}"); ok && tag != "" {
			key = tag
		}
	}
	return crc16(key) % 16384
}

func crc16(text string) (crc uint16) {
	for i := range len(text) {
		crc ^= uint16(text[i]) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}

// Everything that sign-in, sessions and limits do fits a cluster.
func TestEveryStepStaysInOneSlot(t *testing.T) {
	t.Parallel()
	if crc16("123456789") != 0x31C3 || slotOf("{user1000}.following") != slotOf("{user1000}.followers") {
		t.Fatal("the slots of this test are not Redis's")
	}
	server := startRedis(t)
	h := newHarness(t, harnessOptions{env: map[string]string{"REDIS_URL": server.url()}})
	seen := &keyRecorder{commands: map[string]int{}}
	h.app.health.redis.AddHook(seen)
	wholeStory(t, h)
	seen.mu.Lock()
	defer seen.mu.Unlock()
	for _, fault := range seen.faults {
		t.Error(fault)
	}
	for _, name := range []string{"get", "set", "evalsha", "del", "ping"} {
		if seen.commands[name] == 0 {
			t.Errorf("%s was never seen: the story is not whole (%v)", name, seen.commands)
		}
	}
}

// wholeStory does everything that reaches Redis: signing in twice, being seen
// for long, leaving, leaving everywhere, opening a link.
func wholeStory(t *testing.T, h *harness) {
	t.Helper()
	person := sample(t, adult).Subject
	// The provider keeps its own time: all sign in before the clock moves.
	one, two, three := h.signedIn(person), h.signedIn(person), h.signedIn(person)
	_, secret := sharedLink(t, one)
	if a := h.browser().must(redeem, redeemVars(secret, "")); outcome(a) != "SharedRecord" {
		t.Errorf("%s", a.raw)
	}
	h.clock.Advance(2 * time.Minute)
	isSignedIn(t, one, true)
	one.signOut("{}")
	isSignedIn(t, one, false)
	isSignedIn(t, two, true)
	two.signOut(`{"everywhere":true}`)
	isSignedIn(t, two, false)
	isSignedIn(t, three, false)
	h.clock.Advance(-2 * time.Minute)
	if p := h.browser().get("/readyz"); p.status != 200 {
		t.Errorf("not ready: %d %s", p.status, p.body)
	}
}

func isSignedIn(t *testing.T, b *browser, want bool) {
	t.Helper()
	if a := b.ask(`{viewer{signedIn}}`, nil); a.at("viewer", "signedIn") != want {
		t.Errorf("signed in is not %v: %d %s", want, a.status, a.raw)
	}
}

func (b *browser) signOut(body string) {
	b.h.t.Helper()
	kept := b.client.Jar.(*jar).copy()
	b.header.Set("X-Requested-By", "learner-web")
	if p := b.do("POST", "/auth/logout", "application/json", strings.NewReader(body)); p.status != 200 {
		b.h.t.Errorf("signing out: %d %s", p.status, p.body)
	}
	b.header.Del("X-Requested-By")
	b.client.Jar = kept // a thief would keep the cookie
}

// copy gives a jar with the same cookies.
func (j *jar) copy() *jar {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := &jar{}
	for host, cookies := range j.cookies {
		for _, c := range cookies {
			if out.cookies == nil {
				out.cookies = map[string]map[string]*http.Cookie{}
			}
			if out.cookies[host] == nil {
				out.cookies[host] = map[string]*http.Cookie{}
			}
			out.cookies[host][c.Name] = c
		}
	}
	return out
}

// A Redis with TLS is used when its certificate is that of an authority named,
// and not at all otherwise.
func TestRedisOverTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certificate, key := selfSigned(t, dir, "good")
	otherCA, _ := selfSigned(t, dir, "other")
	server := startRedis(t, "--tls-port", fmt.Sprint(freePort(t)), "--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", certificate, "--tls-auth-clients", "no")
	address := "rediss://127.0.0.1:" + server.args[1]
	for name, c := range map[string]struct {
		url, ca string
		want    int
	}{
		"authority named":   {address, certificate, 200},
		"another authority": {address, otherCA, 503},
		"none named":        {address, "", 503},
		"another host":      {strings.Replace(address, "127.0.0.1", "localhost", 1), certificate, 503},
		"not TLS at all":    {"rediss://" + server.addr(), certificate, 503},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, harnessOptions{env: map[string]string{"REDIS_URL": c.url, "REDIS_CA_FILE": c.ca}})
			if p := h.browser().get("/readyz"); p.status != c.want {
				t.Errorf("%d, want %d", p.status, c.want)
			}
		})
	}
}

// selfSigned writes a certificate for 127.0.0.1 that is its own authority.
func selfSigned(t *testing.T, dir, name string) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyText, err := pemKey(private)
	if err != nil {
		t.Fatal(err)
	}
	certificate, key = filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")
	for path, text := range map[string][]byte{certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), key: keyText} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certificate, key
}
