package main

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"openplr/plr"
	"openplr/signin"
)

// oneLogin is a production configuration of One Login's shape.
func oneLogin(more ...string) map[string]string {
	env := map[string]string{
		"ENV": "production", "PUBLIC_URL": "https://records.example.org", "OIDC_ISSUER": "https://oidc.example.com/",
		"OIDC_CLIENT_ID": "records", "OIDC_CLIENT_KEY_FILE": "config_test.go", "OIDC_CLIENT_KEY_ID": "k1",
		"OIDC_CORE_IDENTITY_ISSUER": "https://identity.example.com/", "OIDC_CORE_IDENTITY_DID": "did:web:identity.example.com",
		"OIDC_CORE_IDENTITY_DID_URL": "https://identity.example.com/.well-known/did.json",
	}
	for i := 0; i < len(more); i += 2 {
		env[more[i]] = more[i+1]
	}
	return env
}

func readEnv(env map[string]string) (*config, error) {
	return readConfig(func(name string) string { return env[name] })
}

func TestSignInSettings(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "apps.json")
	const apps = `[{"id":"lr-ios","redirectUris":["https://records.example.org/app/callback"],"appleAppIds":["ABCDE12345.org.example.records"]},
	 {"id":"lr-android","redirectUris":["https://records.example.org/app/callback"],"androidApps":[{"package":"org.example.records","fingerprints":["` +
		`14:6D:E9:83:C5:73:06:50:D8:EE:B9:95:2F:34:FC:64:16:A0:83:42:E6:1D:BE:A8:8A:04:96:B2:3F:CF:44:E5"]}]}]`
	if err := os.WriteFile(file, []byte(apps), 0o600); err != nil {
		t.Fatal(err)
	}
	identity := signin.IdentityConfig{
		VTR: "Cl.Cm.P2", Issuer: "https://identity.example.com/", DID: "did:web:identity.example.com", DIDURL: "https://identity.example.com/.well-known/did.json",
	}
	const issuer = "https://oidc.example.com/"
	for name, c := range map[string]struct {
		env  map[string]string
		got  func(*config) any
		want any
	}{
		"vtr of One Login":        {oneLogin(), func(c *config) any { return c.OIDC.AuthVTR }, "Cl.Cm"},
		"no vtr":                  {oneLogin("OIDC_AUTH_VTR", "none"), func(c *config) any { return c.OIDC.AuthVTR }, ""},
		"another vtr":             {oneLogin("OIDC_AUTH_VTR", "Cl"), func(c *config) any { return c.OIDC.AuthVTR }, "Cl"},
		"identity":                {oneLogin(), func(c *config) any { return c.OIDC.Identity }, identity},
		"identity off":            {oneLogin("OIDC_IDENTITY_VTR", "none"), func(c *config) any { return c.OIDC.Identity }, signin.IdentityConfig{}},
		"identity not configured": {oneLogin("OIDC_CORE_IDENTITY_ISSUER", "", "OIDC_CORE_IDENTITY_DID", "", "OIDC_CORE_IDENTITY_DID_URL", ""), func(c *config) any { return c.OIDC.Identity }, signin.IdentityConfig{}},
		"logout tokens":           {oneLogin("OIDC_ID_TOKEN_ALG", "RS256"), func(c *config) any { return c.OIDC.LogoutTokenAlg }, "ES256"},
		"signing in anew":         {oneLogin(), func(c *config) any { return c.OIDC.Reauth }, "max_age"},
		"signing in anew, signed": {oneLogin("OIDC_REAUTH", "jar_prompt_login", "OIDC_USE_JAR", "true"), func(c *config) any { return c.OIDC.Reauth }, "jar_prompt_login"},
		"signed requests":         {oneLogin("OIDC_USE_JAR", "true"), func(c *config) any { return c.OIDC.UseJAR }, true},
		"hosts": {oneLogin("OIDC_PROVIDER_HOSTS", "oidc.example.com, keys.example.com:8443"), func(c *config) any { return c.OIDC.ProviderHosts },
			[]string{"oidc.example.com", "keys.example.com:8443"}},
		"origins": {oneLogin("ALLOWED_ORIGINS", "https://app.example.org, https://example.org:8443,https://app.example.org,https://records.example.org"),
			func(c *config) any { return c.AllowedOrigins }, []string{"https://app.example.org", "https://example.org:8443"}},
		"origins in development": {map[string]string{"ALLOWED_ORIGINS": "http://localhost:5173"}, func(c *config) any { return c.AllowedOrigins }, []string{"http://localhost:5173"}},
		"origins under a public suffix": {oneLogin("PUBLIC_URL", "https://records.team.gov.uk", "ALLOWED_ORIGINS", "https://app.team.gov.uk"),
			func(c *config) any { return c.AllowedOrigins }, []string{"https://app.team.gov.uk"}},
		"apps in a file": {oneLogin("APP_CLIENTS", "@"+file), func(c *config) any { return c.AppClients[1].AndroidApps[0].Package + c.AppClients[0].AppleAppIDs[0] }, "org.example.recordsABCDE12345.org.example.records"},
		"apps":           {oneLogin("APP_CLIENTS", apps), func(c *config) any { return len(c.AppClients) }, 2},
		"app in development": {map[string]string{"APP_CLIENTS": `[{"id":"x","redirectUris":["http://localhost:9999/callback"]}]`}, func(c *config) any { return c.AppClients },
			[]signin.AppClient{{ID: "x", RedirectURIs: []string{"http://localhost:9999/callback"}}}},
		"nobody is staff": {oneLogin(), func(c *config) any { return len(c.StaffRoles) }, 0},
		"staff": {oneLogin("STAFF_ROLES", "caseworker="+issuer+"#sub:urn:fdc:example.com:2026:a=b, specialist="+issuer+"#claim:groups=plr:specialists=1", "OIDC_AUTH_VTR", "none", "OIDC_IDENTITY_VTR", "none"),
			func(c *config) any { return c.StaffRoles }, []signin.StaffRole{
				{Role: plr.RoleCaseworker, Issuer: issuer, Subject: "urn:fdc:example.com:2026:a=b"},
				{Role: plr.RoleSpecialist, Issuer: issuer, Claim: "groups", Value: "plr:specialists=1"},
			}},
		"session": {oneLogin(), func(c *config) any { return []time.Duration{c.SessionIdle, c.SessionLife} }, []time.Duration{30 * time.Minute, 12 * time.Hour}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			read, err := readEnv(c.env)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.got(read); !reflect.DeepEqual(got, c.want) {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

func TestSignInSettingsRefused(t *testing.T) {
	t.Parallel()
	app := func(change string) string {
		return `[{"id":"lr-ios","redirectUris":["https://a.example/cb"]` + change + `}]`
	}
	const secret = "hunter2"
	for name, c := range map[string]struct {
		env   map[string]string
		words []string
	}{
		"logout algorithm":            {oneLogin("OIDC_LOGOUT_TOKEN_ALG", "HS256"), []string{"OIDC_LOGOUT_TOKEN_ALG"}},
		"vtr with identity":           {oneLogin("OIDC_AUTH_VTR", "Cl.Cm.P2"), []string{"OIDC_AUTH_VTR", "none"}},
		"vtr that is none":            {oneLogin("OIDC_AUTH_VTR", `["Cl.Cm"]`), []string{"OIDC_AUTH_VTR"}},
		"identity without its level":  {oneLogin("OIDC_IDENTITY_VTR", "Cl.Cm"), []string{"OIDC_IDENTITY_VTR"}},
		"identity of no level":        {oneLogin("OIDC_IDENTITY_VTR", "Cl.Cm.P0"), []string{"OIDC_IDENTITY_VTR"}},
		"half of core identity":       {oneLogin("OIDC_CORE_IDENTITY_DID", ""), []string{"OIDC_CORE_IDENTITY_DID", "together"}},
		"identity without its issuer": {oneLogin("OIDC_IDENTITY_VTR", "Cl.Cm.P2", "OIDC_CORE_IDENTITY_ISSUER", "", "OIDC_CORE_IDENTITY_DID", "", "OIDC_CORE_IDENTITY_DID_URL", ""), []string{"OIDC_IDENTITY_VTR needs"}},
		"identity of devop":           {map[string]string{"OIDC_CORE_IDENTITY_DID": "did:web:a.example"}, []string{"go with OIDC_ISSUER"}},
		"core issuer by http":         {oneLogin("OIDC_CORE_IDENTITY_ISSUER", "http://identity.example.com/"), []string{"OIDC_CORE_IDENTITY_ISSUER must"}},
		"core issuer is the issuer":   {oneLogin("OIDC_CORE_IDENTITY_ISSUER", "https://oidc.example.com/"), []string{"must not be OIDC_ISSUER"}},
		"scopes without openid":       {oneLogin("OIDC_SCOPES", "email"), []string{"OIDC_SCOPES"}},
		"no DID":                      {oneLogin("OIDC_CORE_IDENTITY_DID", "https://identity.example.com"), []string{"did:web:host"}},
		"DID document by http":        {oneLogin("OIDC_CORE_IDENTITY_DID_URL", "http://localhost/did.json"), []string{"OIDC_CORE_IDENTITY_DID_URL must"}},
		"unknown way":                 {oneLogin("OIDC_REAUTH", "always"), []string{"OIDC_REAUTH", "jar_prompt_login"}},
		"signed only to sign in anew": {oneLogin("OIDC_REAUTH", "jar_prompt_login"), []string{"OIDC_REAUTH", "OIDC_USE_JAR=true"}},
		"no flag":                     {oneLogin("OIDC_USE_JAR", "sometimes"), []string{"OIDC_USE_JAR"}},
		"hosts with a scheme":         {oneLogin("OIDC_PROVIDER_HOSTS", "https://oidc.example.com"), []string{"OIDC_PROVIDER_HOSTS"}},
		"hosts with a path":           {oneLogin("OIDC_PROVIDER_HOSTS", "oidc.example.com/keys"), []string{"OIDC_PROVIDER_HOSTS"}},

		"any origin":                 {oneLogin("ALLOWED_ORIGINS", "*"), []string{"ALLOWED_ORIGINS"}},
		"null origin":                {oneLogin("ALLOWED_ORIGINS", "null"), []string{"ALLOWED_ORIGINS"}},
		"origins by pattern":         {oneLogin("ALLOWED_ORIGINS", "https://*.example.org"), []string{"ALLOWED_ORIGINS"}},
		"origin with a path":         {oneLogin("ALLOWED_ORIGINS", "https://app.example.org/"), []string{"ALLOWED_ORIGINS"}},
		"origin in capitals":         {oneLogin("ALLOWED_ORIGINS", "https://App.example.org"), []string{"ALLOWED_ORIGINS"}},
		"origin with its own port":   {oneLogin("ALLOWED_ORIGINS", "https://app.example.org:443"), []string{"ALLOWED_ORIGINS", ":443"}},
		"origin of somebody":         {oneLogin("ALLOWED_ORIGINS", "https://user:"+secret+"@app.example.org"), []string{"ALLOWED_ORIGINS"}},
		"origin by http":             {oneLogin("ALLOWED_ORIGINS", "http://app.example.org"), []string{"ALLOWED_ORIGINS", "https"}},
		"local origin in production": {oneLogin("ALLOWED_ORIGINS", "http://localhost:5173"), []string{"ALLOWED_ORIGINS", "https"}},
		"another site":               {oneLogin("ALLOWED_ORIGINS", "https://app.example.com"), []string{"ALLOWED_ORIGINS", "another site"}},
		"another site by its ending": {oneLogin("ALLOWED_ORIGINS", "https://badexample.org"), []string{"another site"}},
		"neighbours in gov.uk":       {oneLogin("PUBLIC_URL", "https://records.gov.uk", "ALLOWED_ORIGINS", "https://app.gov.uk"), []string{"another site"}},
		"neighbours at a host":       {oneLogin("PUBLIC_URL", "https://records.github.io", "ALLOWED_ORIGINS", "https://evil.github.io"), []string{"another site"}},
		"local by number":            {map[string]string{"ALLOWED_ORIGINS": "http://127.0.0.1:5173"}, []string{"another site"}},
		"local by another scheme":    {map[string]string{"ALLOWED_ORIGINS": "https://localhost:5173"}, []string{"another site"}},

		"apps that are none":     {oneLogin("APP_CLIENTS", secret), []string{"APP_CLIENTS must be a JSON array"}},
		"apps in no file":        {oneLogin("APP_CLIENTS", "@/nowhere/"+secret), []string{"APP_CLIENTS names a file"}},
		"app, misspelled":        {oneLogin("APP_CLIENTS", app(`,"redirectURI":"x","appleAppIDs_":[]`)), []string{"APP_CLIENTS must be a JSON array"}},
		"app behind the list":    {oneLogin("APP_CLIENTS", app("")+"[]"), []string{"APP_CLIENTS must be a JSON array"}},
		"app without a name":     {oneLogin("APP_CLIENTS", `[{"id":"","redirectUris":["https://a.example/cb"]}]`), []string{"client 1 needs an id"}},
		"app in capitals":        {oneLogin("APP_CLIENTS", `[{"id":"LR","redirectUris":["https://a.example/cb"]}]`), []string{"client 1 needs an id"}},
		"app anywhere":           {oneLogin("APP_CLIENTS", `[{"id":"a","redirectUris":["https://*.example/cb"]}]`), []string{"redirectUris"}},
		"app twice":              {oneLogin("APP_CLIENTS", `[{"id":"a","redirectUris":["https://a.example/cb"]},{"id":"a","redirectUris":["https://a.example/cb"]}]`), []string{"client 2 has the id of another"}},
		"app without address":    {oneLogin("APP_CLIENTS", `[{"id":"a"}]`), []string{"no redirectUris"}},
		"app by scheme":          {oneLogin("APP_CLIENTS", `[{"id":"a","redirectUris":["org.example.app:/cb"]}]`), []string{"redirectUris"}},
		"app by http":            {oneLogin("APP_CLIENTS", `[{"id":"a","redirectUris":["http://localhost/cb"]}]`), []string{"redirectUris"}},
		"app with a fragment":    {oneLogin("APP_CLIENTS", `[{"id":"a","redirectUris":["https://a.example/cb#"]}]`), []string{"redirectUris"}},
		"app with a query":       {oneLogin("APP_CLIENTS", `[{"id":"a","redirectUris":["https://a.example/cb?x=1"]}]`), []string{"redirectUris"}},
		"app by http elsewhere":  {map[string]string{"APP_CLIENTS": `[{"id":"a","redirectUris":["http://a.example/cb"]}]`}, []string{"redirectUris"}},
		"Apple without its team": {oneLogin("APP_CLIENTS", app(`,"appleAppIds":["org.example.app"]`)), []string{"appleAppIds"}},
		"Android without prints": {oneLogin("APP_CLIENTS", app(`,"androidApps":[{"package":"org.example.app"}]`)), []string{"androidApps"}},
		"Android, odd prints":    {oneLogin("APP_CLIENTS", app(`,"androidApps":[{"package":"org.example.app","fingerprints":["ab"]}]`)), []string{"fingerprint"}},

		"staff of no issuer":      {oneLogin("STAFF_ROLES", "caseworker=sub:"+secret), []string{"STAFF_ROLES must be written"}},
		"staff of another issuer": {oneLogin("STAFF_ROLES", "caseworker=https://other.example/#sub:"+secret), []string{"STAFF_ROLES names an issuer"}},
		"issuer without slash":    {oneLogin("STAFF_ROLES", "caseworker=https://oidc.example.com#sub:"+secret), []string{"STAFF_ROLES names an issuer"}},
		"staff of devop":          {map[string]string{"STAFF_ROLES": "caseworker=http://127.0.0.1:8090#sub:" + secret}, []string{"STAFF_ROLES names an issuer"}},
		"unknown role":            {oneLogin("STAFF_ROLES", "admin=https://oidc.example.com/#sub:"+secret), []string{"STAFF_ROLES", "caseworker and specialist"}},
		"nobody in particular":    {oneLogin("STAFF_ROLES", "caseworker=https://oidc.example.com/#sub:"), []string{"STAFF_ROLES"}},
		"claim beside vtr":        {oneLogin("STAFF_ROLES", "caseworker=https://oidc.example.com/#claim:groups="+secret), []string{"STAFF_ROLES goes by a claim", "OIDC_AUTH_VTR=none"}},
		"claim beside identity":   {oneLogin("OIDC_AUTH_VTR", "none", "STAFF_ROLES", "caseworker=https://oidc.example.com/#claim:groups="+secret), []string{"STAFF_ROLES goes by a claim", "OIDC_IDENTITY_VTR=none"}},
		"any value of a claim":    {oneLogin("STAFF_ROLES", "caseworker=https://oidc.example.com/#claim:groups="), []string{"STAFF_ROLES"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := readEnv(c.env)
			if err == nil {
				t.Fatal("accepted")
			}
			for _, words := range c.words {
				if !strings.Contains(err.Error(), words) {
					t.Errorf("%q does not say %q", err, words)
				}
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the error repeats what was set: %v", err)
			}
		})
	}

	all := oneLogin("OIDC_AUTH_VTR", "?", "OIDC_REAUTH", "?", "ALLOWED_ORIGINS", "?", "APP_CLIENTS", "?", "STAFF_ROLES", "?", "SESSION_IDLE", "?", "OIDC_PROVIDER_HOSTS", "?")
	_, err := readEnv(all)
	for name := range maps.Keys(all) {
		if all[name] == "?" && (err == nil || !strings.Contains(err.Error(), name)) {
			t.Errorf("all at once: nothing of %s in %v", name, err)
		}
	}
}
