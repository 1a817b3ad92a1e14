package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// checked runs the command and gives its findings by their words, and whether
// it failed.
func checked(t *testing.T, env map[string]string, now func() time.Time) (list []finding, failed bool) {
	t.Helper()
	var out bytes.Buffer
	err := check(t.Context(), []string{"-json"}, func(name string) string { return env[name] }, now, &out, io.Discard)
	if e := json.Unmarshal(out.Bytes(), &list); e != nil {
		t.Fatalf("%v: %s", e, out.String())
	}
	for _, f := range list {
		if (f.Level == "ok") != (f.Remedy == "") {
			t.Errorf("a finding without its remedy, or the reverse: %+v", f)
		}
	}
	for _, secret := range []string{"s3cret", "127.0.0.1", "localhost", "user:"} {
		if strings.Contains(out.String(), secret) || (err != nil && strings.Contains(err.Error(), secret)) {
			t.Errorf("the findings tell %q: %s", secret, out.String())
		}
	}
	return list, err != nil
}

// has says whether a finding of the level has the words.
func has(list []finding, level, words string) bool {
	for _, f := range list {
		if f.Level == level && strings.Contains(f.What, words) {
			return true
		}
	}
	return false
}

func TestCheckSettingsAndFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	env := map[string]string{"DATA_DIR": filepath.Join(dir, "data")}
	if list, failed := checked(t, env, time.Now); failed || !has(list, "ok", "settings") || !has(list, "ok", "made at the first start") {
		t.Errorf("nothing there: %+v", list)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("the check made %v", left)
	}
	h := newHarness(t, harnessOptions{dir: env["DATA_DIR"]})
	if list, failed := checked(t, h.env, time.Now); failed || !has(list, "ok", "in use by a running server") || !has(list, "ok", "DATA_DIR/keys/link-keys") {
		t.Errorf("beside a server: %+v", list)
	}
	if err := os.Chmod(filepath.Join(h.dir, "keys", "link-keys"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(h.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if list, failed := checked(t, h.env, time.Now); !failed || !has(list, "fail", "DATA_DIR/keys/link-keys is open to others (644)") || !has(list, "warn", "DATA_DIR can be listed by others (755)") {
		t.Errorf("open rights: %+v", list)
	}
	list, failed := checked(t, map[string]string{"ENV": "production", "PUBLIC_URL": "ftp://x", "LINK_KEYS": "s3cret"}, time.Now)
	for _, words := range []string{"PUBLIC_URL", "OIDC_ISSUER", "LINK_KEYS"} {
		if !failed || !has(list, "fail", words) {
			t.Errorf("no word of %s: %+v", words, list)
		}
	}
	broken := filepath.Join(dir, "broken")
	if err := os.Mkdir(broken, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(broken, dataFile), bytes.Repeat([]byte("no data file\n"), 5000), 0o600); err != nil {
		t.Fatal(err)
	}
	if list, failed := checked(t, map[string]string{"DATA_DIR": broken}, time.Now); !failed || !has(list, "fail", "cannot be opened") {
		t.Errorf("a broken file: %+v", list)
	}
	h.app.stop()
	if err := os.Chmod(filepath.Join(h.dir, dataFile), 0o777); err != nil {
		t.Fatal(err)
	}
	if list, failed := checked(t, h.env, time.Now); !failed || !has(list, "fail", "the data file is open to others (777)") || !has(list, "ok", "the data file can be opened") {
		t.Errorf("after the server: %+v", list)
	}
	out, err := runCommand(t, env, "check")
	if err == nil || !strings.Contains(out, "\nwarn  LINK_KEYS") || !strings.Contains(out, " - chmod 600\n") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestCheckRedis(t *testing.T) {
	t.Parallel()
	env := map[string]string{"DATA_DIR": filepath.Join(t.TempDir(), "data"), "REDIS_URL": "redis://user:s3cret@127.0.0.1:1"}
	if list, failed := checked(t, env, time.Now); !failed || !has(list, "fail", "Redis: no connection") || !has(list, "warn", "not encrypted") {
		t.Errorf("nobody there: %+v", list)
	}
	good := startRedis(t, "--appendonly", "yes")
	env["REDIS_URL"] = good.url()
	list, failed := checked(t, env, time.Now)
	if failed || !has(list, "ok", "noeviction") || !has(list, "ok", "append-only") || !has(list, "ok", "clock agrees") || !has(list, "ok", "Redis: version") {
		t.Errorf("a good one: %+v", list)
	}
	for level, skew := range map[string]time.Duration{"warn": 2 * time.Second, "fail": time.Hour} {
		for _, sign := range []time.Duration{1, -1} {
			ahead := func() time.Time { return time.Now().Add(sign * skew) }
			if list, failed := checked(t, env, ahead); failed != (level == "fail") || !has(list, level, "Redis: its clock differs") {
				t.Errorf("%v: %+v", sign*skew, list)
			}
		}
	}
	env["REDIS_URL"] = startRedis(t, "--maxmemory-policy", "allkeys-lru").url()
	if list, failed := checked(t, env, time.Now); !failed || !has(list, "fail", "evicts keys") || !has(list, "warn", "no append-only") {
		t.Errorf("one that evicts: %+v", list)
	}
	locked := startRedis(t)
	if err := locked.client(t).ConfigSet(t.Context(), "requirepass", "s3cret-of-redis").Err(); err != nil {
		t.Fatal(err)
	}
	env["REDIS_URL"] = locked.url()
	if list, failed := checked(t, env, time.Now); !failed || !has(list, "fail", "Redis refused: NOAUTH") {
		t.Errorf("without the password: %+v", list)
	}
	env["REDIS_URL"] = startRedis(t, "--replicaof", "127.0.0.1 "+portOf(good)).url()
	if list, failed := checked(t, env, time.Now); !failed || !has(list, "fail", "is a replica") {
		t.Errorf("a replica: %+v", list)
	}
}

func portOf(p *redisProcess) string { return p.addr()[strings.LastIndexByte(p.addr(), ':')+1:] }

func TestCheckProvider(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key, _ := clientKeyFiles(t, dir, "client")
	var body string
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }))
	defer provider.Close()
	env := map[string]string{
		"DATA_DIR": filepath.Join(dir, "data"), "OIDC_ISSUER": provider.URL, "OIDC_CLIENT_ID": "records", "OIDC_CLIENT_KEY_FILE": key, "OIDC_CLIENT_KEY_ID": "k1",
	}
	for name, c := range map[string]struct{ body, level, words string }{
		"as configured":     {`{"issuer":"` + provider.URL + `"}`, "ok", "as configured"},
		"a slash more":      {`{"issuer":"` + provider.URL + `/"}`, "fail", "calls itself otherwise"},
		"something else":    {"<html>", "fail", "no description"},
		"an endless answer": {strings.Repeat(" ", 2<<20), "fail", "no description"},
	} {
		body = c.body
		if list, failed := checked(t, env, time.Now); failed != (c.level == "fail") || !has(list, c.level, c.words) || !has(list, "ok", "client key can be read") {
			t.Errorf("%s: %+v", name, list)
		}
	}
	provider.Close()
	if list, failed := checked(t, env, time.Now); !failed || !has(list, "fail", "provider: it cannot be reached") {
		t.Errorf("nobody there: %+v", list)
	}
}

// What a provider says about itself is held against the settings.
func TestCheckProviderAbilities(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key, _ := clientKeyFiles(t, dir, "client")
	var description, document string
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("User-Agent") != "records/1":
			http.Error(w, "", http.StatusForbidden)
		case r.URL.Path == "/did.json":
			_, _ = io.WriteString(w, document)
		default:
			_, _ = io.WriteString(w, description)
		}
	}))
	defer provider.Close()
	env := map[string]string{
		"DATA_DIR": filepath.Join(dir, "data"), "OIDC_ISSUER": provider.URL, "OIDC_CLIENT_ID": "records", "OIDC_CLIENT_KEY_FILE": key, "OIDC_CLIENT_KEY_ID": "k1",
		"OIDC_USER_AGENT": "records/1", "OIDC_USE_JAR": "true",
		"OIDC_CORE_IDENTITY_ISSUER": provider.URL + "/identity", "OIDC_CORE_IDENTITY_DID": "did:web:identity.example.com", "OIDC_CORE_IDENTITY_DID_URL": provider.URL + "/did.json",
	}
	const good = `"id_token_signing_alg_values_supported":["ES256"],"token_endpoint_auth_signing_alg_values_supported":["PS256"],"token_endpoint_auth_methods_supported":["private_key_jwt"],` +
		`"code_challenge_methods_supported":["S256"],"backchannel_logout_supported":true,"request_parameter_supported":true`
	const keys = `{"id":"did:web:identity.example.com","assertionMethod":[{"id":"x"}]}`
	for name, c := range map[string]struct{ from, to, document, level, words string }{
		"as it should be":        {"", "", keys, "ok", "each after PUBLIC_URL: /auth/callback"},
		"keys of identity":       {"", "", keys, "ok", "DID document is there"},
		"another ID token":       {`"ES256"`, `"RS256"`, keys, "warn", "OIDC_ID_TOKEN_ALG"},
		"another assertion":      {`"PS256"`, `"RS256"`, keys, "warn", "OIDC_CLIENT_ASSERTION_ALG"},
		"secrets only":           {`"private_key_jwt"`, `"client_secret_post"`, keys, "warn", "private_key_jwt"},
		"plain challenges":       {`"S256"`, `"plain"`, keys, "warn", "PKCE"},
		"no word of signing out": {`"backchannel_logout_supported":true`, `"backchannel_logout_supported":false`, keys, "warn", "when somebody signs out"},
		"no signed requests":     {`"request_parameter_supported":true`, `"request_parameter_supported":false`, keys, "warn", "signed requests"},
		"another's document":     {"", "", `{"id":"did:web:evil.example","assertionMethod":[{}]}`, "fail", "another's"},
		"a document, no keys":    {"", "", `{"id":"did:web:identity.example.com"}`, "fail", "has no keys"},
		"no document":            {"", "", `<html>`, "fail", "no DID document"},
	} {
		description, document = `{"issuer":"`+provider.URL+`",`+strings.ReplaceAll(good, c.from, c.to)+`}`, c.document
		if c.from == "" {
			description = `{"issuer":"` + provider.URL + `",` + good + `}`
		}
		list, failed := checked(t, env, time.Now)
		if failed != (c.level == "fail") || !has(list, c.level, c.words) {
			t.Errorf("%s: %+v", name, list)
		}
		warnings := 0
		for _, one := range list {
			if one.Level == "warn" && strings.HasPrefix(one.What, "provider:") {
				warnings++
			}
		}
		if (c.level == "warn") != (warnings == 1) {
			t.Errorf("%s: %d warnings: %+v", name, warnings, list)
		}
	}
	env["OIDC_IDENTITY_VTR"] = "none"
	if list, failed := checked(t, env, time.Now); failed || !has(list, "warn", "nobody can be connected to a learning record") || has(list, "warn", "staff:") {
		t.Errorf("without identity: %+v", list)
	}
	env["OIDC_IDENTITY_VTR"] = ""
	if list, _ := checked(t, env, time.Now); !has(list, "warn", "there are no caseworkers") || !has(list, "ok", "OIDC_AUTH_VTR=none") {
		t.Errorf("without staff: %+v", list)
	}
	env["STAFF_ROLES"], env["OIDC_AUTH_VTR"] = "caseworker="+provider.URL+"#sub:someone", "none"
	document = keys
	if list, failed := checked(t, env, time.Now); failed || has(list, "warn", "staff:") || has(list, "ok", "vector of trust") {
		t.Errorf("with staff: %+v", list)
	}
	env["OIDC_CORE_IDENTITY_DID_URL"] = "http://127.0.0.1:1/did.json"
	if list, failed := checked(t, env, time.Now); !failed || !has(list, "fail", "cannot be reached") {
		t.Errorf("no server there: %+v", list)
	}
}

func TestCheckMongoDB(t *testing.T) {
	t.Parallel()
	env := map[string]string{"DATA_DIR": filepath.Join(t.TempDir(), "data"), "MONGODB_URI": "mongodb://user:s3cret@127.0.0.1:1/records"}
	if list, failed := checked(t, env, time.Now); !failed || !has(list, "fail", "MongoDB: no server answered in time") || !has(list, "warn", "not encrypted") {
		t.Errorf("nobody there: %+v", list)
	}
	refusal := bson.D{{Key: "writeErrors", Value: bson.A{bson.D{{Key: "index", Value: 0}, {Key: "code", Value: 13}, {Key: "errmsg", Value: "s3cret words of the server"}}}}, {Key: "n", Value: 0}}
	for name, c := range map[string]struct {
		set          string
		wire         int
		skew         time.Duration
		refuse       string
		level, words string
	}{
		"a replica set":            {"rs0", 21, 0, "", "ok", "MongoDB: a replica set"},
		"a single server":          {"", 21, 0, "", "fail", "without a replica set"},
		"an old server":            {"rs0", 9, 0, "", "fail", "too old"},
		"a clock that is off":      {"rs0", 21, time.Minute, "", "fail", "MongoDB: its clock differs"},
		"no right to write":        {"rs0", 21, 0, "insert", "fail", "the user lacks a right"},
		"documents can be written": {"rs0", 21, 0, "", "ok", "written with a majority"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newMongoWire(t, func(command string, _ bson.Raw) bson.D {
				switch command {
				case "hello", "isMaster", "ismaster":
					d := bson.D{
						{Key: "helloOk", Value: true}, {Key: "isWritablePrimary", Value: true}, {Key: "ismaster", Value: true}, {Key: "maxWireVersion", Value: c.wire},
						{Key: "minWireVersion", Value: 0}, {Key: "localTime", Value: time.Now().Add(c.skew)}, {Key: "maxBsonObjectSize", Value: 16 << 20},
						{Key: "maxMessageSizeBytes", Value: 48_000_000}, {Key: "maxWriteBatchSize", Value: 100_000},
					}
					if c.set != "" {
						d = append(d, bson.E{Key: "setName", Value: c.set})
					}
					return d
				case c.refuse:
					return refusal
				case "find":
					batch := bson.A{bson.D{{Key: "_id", Value: 1}}}
					return bson.D{{Key: "cursor", Value: bson.D{{Key: "firstBatch", Value: batch}, {Key: "id", Value: int64(0)}, {Key: "ns", Value: "records.checks"}}}}
				default:
					return bson.D{{Key: "n", Value: 1}}
				}
			})
			list, failed := checked(t, map[string]string{"DATA_DIR": filepath.Join(t.TempDir(), "data"), "MONGODB_URI": server.url()}, time.Now)
			if !has(list, c.level, c.words) || (c.level == "fail" && !failed) {
				t.Errorf("%+v", list)
			}
		})
	}
}
