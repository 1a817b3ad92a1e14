package main

import (
	"encoding/base64"
	"maps"
	"strings"
	"testing"
)

func TestConfig(t *testing.T) {
	t.Parallel()
	production := map[string]string{
		"ENV": "production", "PUBLIC_URL": "https://records.example.org", "OIDC_ISSUER": "https://oidc.example.org/",
		"OIDC_CLIENT_ID": "records", "OIDC_CLIENT_KEY_FILE": "config_test.go", "OIDC_CLIENT_KEY_ID": "k1",
	}
	key := "k1:" + strings.Repeat("A", 43) + "="
	// Random bytes, and keys that somebody wrote.
	const random, other = "k1:6Wkh4Y0PzJxG1mJd0v3n0m1tq0y3g7T5zQm3b8Xw2Lk=", "k2:Q1w0m9zY5s7p3k2J8u6h4t1r9e0w2q4z6x8c0v2b4n8="
	written := func(piece string) string {
		return "k1:" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(piece, 64/len(piece))))
	}
	scaled := map[string]string{
		"MONGODB_URI": "mongodb+srv://app:hunter2@db.example.org/openplr", "REDIS_URL": "rediss://:hunter2@redis.example.org",
		"LINK_KEYS": random, "SESSION_KEYS": other,
	}
	maps.Copy(scaled, production)
	mongodb := func(rest string) map[string]string {
		return map[string]string{"MONGODB_URI": "mongodb://app:hunter2@a.example.org,b.example.org:27018/openplr" + rest}
	}
	set := func(pairs ...string) map[string]string {
		out := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			out[pairs[i]] = pairs[i+1]
		}
		return out
	}
	for name, c := range map[string]struct {
		base, change map[string]string
		faults       []string // every word must stand in the error; none for a good configuration
	}{
		"nothing set":                 {},
		"production":                  {base: production},
		"production without anything": {change: map[string]string{"ENV": "production"}, faults: []string{"PUBLIC_URL", "OIDC_ISSUER"}},
		"plain http outside":          {change: map[string]string{"PUBLIC_URL": "http://records.example.org"}, faults: []string{"PUBLIC_URL"}},
		"plain http in production":    {base: production, change: map[string]string{"PUBLIC_URL": "http://localhost:8080"}, faults: []string{"PUBLIC_URL"}},
		"path in the address":         {change: map[string]string{"PUBLIC_URL": "http://localhost:8080/app"}, faults: []string{"PUBLIC_URL"}},
		"unknown environment":         {change: map[string]string{"ENV": "staging"}, faults: []string{"ENV"}},
		"issuer by plain http":        {base: production, change: map[string]string{"OIDC_ISSUER": "http://localhost:8090"}, faults: []string{"OIDC_ISSUER"}},
		"issuer without client":       {change: map[string]string{"OIDC_ISSUER": "https://oidc.example.org"}, faults: []string{"OIDC_CLIENT_ID", "OIDC_CLIENT_KEY_FILE"}},
		"key file missing":            {base: production, change: map[string]string{"OIDC_CLIENT_KEY_FILE": "/nowhere"}, faults: []string{"OIDC_CLIENT_KEY_FILE"}},
		"wrong algorithms":            {base: production, change: map[string]string{"OIDC_CLIENT_ASSERTION_ALG": "HS256", "OIDC_ID_TOKEN_ALG": "none"}, faults: []string{"OIDC_CLIENT_ASSERTION_ALG", "OIDC_ID_TOKEN_ALG"}},
		"provider on the network":     {change: map[string]string{"DEVOP_ADDR": "0.0.0.0:8090"}, faults: []string{"DEVOP_ADDR"}},
		"key lists":                   {change: map[string]string{"LINK_KEYS": key, "SESSION_KEYS": key}},
		"short key":                   {change: map[string]string{"LINK_KEYS": "k1:QUJDsecret"}, faults: []string{"LINK_KEYS"}},
		"key twice":                   {change: map[string]string{"SESSION_KEYS": key + "," + key}, faults: []string{"SESSION_KEYS"}},
		"half of TLS":                 {change: map[string]string{"TLS_CERT_FILE": "a.pem"}, faults: []string{"TLS_CERT_FILE"}},
		"not a flag":                  {change: map[string]string{"EXPLORER": "maybe", "SCHEMA_OPEN": "2"}, faults: []string{"EXPLORER", "SCHEMA_OPEN"}},
		"replicas":                    {base: scaled},
		"replicas by seed list":       {base: scaled, change: mongodb("?tls=true&replicaSet=rs0")},
		"in any case of letters":      {base: scaled, change: mongodb("?TLS=true&tlsInsecure=false")},
		"one process, data in a file": {base: production, change: set("LINK_KEYS", random)},
		"MongoDB in the clear":        {base: scaled, change: mongodb("?replicaSet=rs0"), faults: []string{"MONGODB_URI", "tls=true"}},
		"MongoDB TLS in a password":   {base: scaled, change: set("MONGODB_URI", "mongodb://app:hunter2?tls=true&x=1@db.example.org/openplr"), faults: []string{"MONGODB_URI", "tls=true"}},
		"MongoDB unreadable":          {base: scaled, change: set("MONGODB_URI", "mongodb://app:hunter2@/openplr?tls=true"), faults: []string{"MONGODB_URI"}},
		"MongoDB without TLS":         {base: scaled, change: mongodb("?tls=false"), faults: []string{"MONGODB_URI"}},
		"MongoDB TLS on and off":      {base: scaled, change: mongodb("?tls=true&ssl=false"), faults: []string{"MONGODB_URI"}},
		"srv without TLS":             {base: scaled, change: set("MONGODB_URI", "mongodb+srv://db.example.org/?tls=false"), faults: []string{"MONGODB_URI"}},
		"MongoDB unverified":          {base: scaled, change: mongodb("?tls=true&tlsInsecure=true"), faults: []string{"MONGODB_URI", "certificates"}},
		"MongoDB any certificate":     {base: scaled, change: mongodb("?tls=true&tlsAllowInvalidCertificates=TRUE"), faults: []string{"MONGODB_URI"}},
		"MongoDB any host":            {base: scaled, change: mongodb("?tls=true&tlsallowinvalidhostnames=true"), faults: []string{"MONGODB_URI"}},
		"MongoDB of another kind":     {change: set("MONGODB_URI", "postgres://app:hunter2@h/x"), faults: []string{"MONGODB_URI"}},
		"MongoDB in development":      {change: set("MONGODB_URI", "mongodb://localhost:27017")},
		"replicas without keys":       {base: scaled, change: set("LINK_KEYS", "", "SESSION_KEYS", ""), faults: []string{"LINK_KEYS", "SESSION_KEYS"}},
		"replicas without Redis":      {base: scaled, change: set("REDIS_URL", ""), faults: []string{"REDIS_URL"}},
		"Redis in the clear":          {base: scaled, change: set("REDIS_URL", "redis://:hunter2@localhost:6379"), faults: []string{"REDIS_URL", "rediss"}},
		"sentinels in the clear":      {base: scaled, change: set("REDIS_URL", "redis+sentinel://a,b/main"), faults: []string{"REDIS_URL", "rediss"}},
		"sentinels":                   {base: scaled, change: set("REDIS_URL", "rediss+sentinel://u:hunter2@a:26379,b:26379/main/0")},
		"cluster":                     {base: scaled, change: set("REDIS_URL", "rediss+cluster://u:hunter2@a:6379,b:6379")},
		"Redis by socket":             {base: scaled, change: set("REDIS_URL", "unix:///run/redis.sock")},
		"Redis unverified":            {base: scaled, change: set("REDIS_URL", "rediss://:hunter2@h?skip_verify=true"), faults: []string{"REDIS_URL"}},
		"Redis of another kind":       {change: set("REDIS_URL", "memcached://:hunter2@h"), faults: []string{"REDIS_URL"}},
		"Redis with much patience":    {change: set("REDIS_TIMEOUT", "1m"), faults: []string{"REDIS_TIMEOUT"}},
		"Redis with odd patience":     {change: set("REDIS_TIMEOUT", "soon"), faults: []string{"REDIS_TIMEOUT"}},
		"key of one byte":             {base: production, change: set("LINK_KEYS", key), faults: []string{"LINK_KEYS", "openssl"}},
		"key of one word":             {base: production, change: set("SESSION_KEYS", random+","+written("changeme")), faults: []string{"SESSION_KEYS"}},
		"key counted up":              {base: production, change: set("LINK_KEYS", "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="), faults: []string{"LINK_KEYS"}},
		"limits off in production":    {base: production, change: set("RATE_LIMITS", "off"), faults: []string{"RATE_LIMITS"}},
		"limits that are none":        {change: set("RATE_LIMITS", "redeem=lots"), faults: []string{"RATE_LIMITS"}},
		"everybody is a proxy":        {change: set("TRUSTED_PROXIES", "0.0.0.0/0"), faults: []string{"TRUSTED_PROXIES"}},
		"proxies":                     {base: production, change: set("TRUSTED_PROXIES", "10.0.0.0/8, 2001:db8::7")},
		"session times":               {base: production, change: set("SESSION_IDLE", "60m", "SESSION_ABSOLUTE", "24h")},
		"app session times":           {base: production, change: set("APP_SESSION_IDLE", "10m", "APP_SESSION_ABSOLUTE", "24h", "APP_SESSION_LOCKED", "240h")},
		"app session times too long":  {change: set("APP_SESSION_IDLE", "2h", "APP_SESSION_ABSOLUTE", "25h", "APP_SESSION_LOCKED", "721h"), faults: []string{"APP_SESSION_IDLE", "APP_SESSION_ABSOLUTE", "APP_SESSION_LOCKED"}},
		"app session times too short": {change: set("APP_SESSION_IDLE", "5m", "APP_SESSION_ABSOLUTE", "never", "APP_SESSION_LOCKED", "5m"), faults: []string{"APP_SESSION_IDLE", "APP_SESSION_ABSOLUTE", "APP_SESSION_LOCKED"}},
		"session times too long":      {change: set("SESSION_IDLE", "61m", "SESSION_ABSOLUTE", "25h"), faults: []string{"SESSION_IDLE", "SESSION_ABSOLUTE"}},
		"session times that are none": {change: set("SESSION_IDLE", "soon", "SESSION_ABSOLUTE", "late"), faults: []string{"SESSION_IDLE", "SESSION_ABSOLUTE"}},
		"idle longer than absolute":   {change: set("SESSION_IDLE", "30m", "SESSION_ABSOLUTE", "10m"), faults: []string{"SESSION_ABSOLUTE"}},
		"all at once":                 {change: map[string]string{"ENV": "x", "PUBLIC_URL": "ftp://x", "LISTEN_ADDR": "x", "EXPLORER": "x"}, faults: []string{"ENV", "PUBLIC_URL", "LISTEN_ADDR", "EXPLORER"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := readConfig(func(setting string) string {
				if v, ok := c.change[setting]; ok {
					return v
				}
				return c.base[setting]
			})
			if len(c.faults) == 0 {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil {
				t.Fatal("accepted")
			}
			for _, word := range c.faults {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%q does not name %s", err, word)
				}
			}
			if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "QUJDsecret") || strings.Contains(err.Error(), "6Wkh4Y0P") {
				t.Errorf("the error repeats a secret: %v", err)
			}
		})
	}
}
