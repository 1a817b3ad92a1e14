package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"openplr/store/boltstore"
)

// finding is one line of `server check`. It never holds a secret, an address
// or another program's words.
type finding struct {
	Level  string `json:"level"` // ok, warn or fail
	What   string `json:"what"`
	Remedy string `json:"remedy,omitempty"`
}

// findings gathers what the checks find.
type findings struct{ list []finding }

func (f *findings) ok(format string, args ...any) {
	f.list = append(f.list, finding{Level: "ok", What: fmt.Sprintf(format, args...)})
}

func (f *findings) warn(remedy, format string, args ...any) {
	f.list = append(f.list, finding{Level: "warn", What: fmt.Sprintf(format, args...), Remedy: remedy})
}

func (f *findings) fail(remedy, format string, args ...any) {
	f.list = append(f.list, finding{Level: "fail", What: fmt.Sprintf(format, args...), Remedy: remedy})
}

func (f *findings) failed() (n int) {
	for _, one := range f.list {
		if one.Level == "fail" {
			n++
		}
	}
	return n
}

const (
	// checkTime bounds each dependency's checks.
	checkTime = 10 * time.Second
	// skewWarn and skewFail: leases forgive clocks that differ by 5 seconds
	// (plr's clockSkew), and nothing more.
	skewWarn = time.Second
	skewFail = 5 * time.Second
	// certificateWarn is how long before its end a certificate is worth a word.
	certificateWarn = 21 * 24 * time.Hour
)

// check is `server check`: are the settings right, and is everything they name
// there, safe and fit? It changes nothing but a test document that it removes.
func check(ctx context.Context, args []string, env func(string) string, now func() time.Time, stdout, stderr io.Writer) error {
	flags := newFlags("check", stderr)
	asJSON := flags.Bool("json", false, "print the findings as one JSON array")
	if done, err := parseFlags(flags, args, 0); done || err != nil {
		return err
	}
	f := &findings{}
	c, err := readConfig(env)
	if err != nil {
		for _, fault := range strings.Split(err.Error(), "\n") {
			f.fail("mend the setting; docs/operators.md lists them all", "settings: %s", fault)
		}
	} else {
		f.ok("settings: all can be read (ENV=%s)", c.Env)
		checkFiles(f, c, now())
		for _, part := range []func(context.Context, *findings, *config, func() time.Time){checkMongoDB, checkRedis, checkProvider, checkCoreIdentity} {
			bounded, cancel := context.WithTimeout(ctx, checkTime)
			part(bounded, f, c, now)
			cancel()
		}
	}
	if err := f.print(stdout, *asJSON); err != nil {
		return err
	}
	if n := f.failed(); n > 0 {
		return fmt.Errorf("%d of %d checks failed", n, len(f.list))
	}
	return nil
}

func (f *findings) print(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(f.list)
	}
	for _, one := range f.list {
		line := fmt.Sprintf("%-4s  %s", one.Level, one.What)
		if one.Remedy != "" {
			line += " - " + one.Remedy
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}

// checkFiles looks at everything on this machine's disk.
func checkFiles(f *findings, c *config, now time.Time) {
	checkRights(f, c.DataDir, "DATA_DIR", 0o700)
	keys, _ := filepath.Glob(filepath.Join(c.DataDir, "keys", "*"))
	checkRights(f, filepath.Join(c.DataDir, "keys"), "DATA_DIR/keys", 0o700)
	for _, key := range keys {
		checkRights(f, key, "DATA_DIR/keys/"+filepath.Base(key), 0o600)
	}
	if c.LinkKeys == "" {
		f.warn("keep a copy apart from the data, or use the setting", "LINK_KEYS is not set: the keys lie beside the data, in DATA_DIR/keys")
	}
	if c.MongoDBURI == "" {
		checkDataFile(f, c)
	}
	if !c.devop() {
		checkRights(f, c.OIDC.ClientKeyFile, "OIDC_CLIENT_KEY_FILE", 0o600)
		if _, _, err := clientKey(c); err != nil {
			f.fail("give the RSA key in PEM (PKCS 8)", "%v", err)
		} else {
			f.ok("the client key can be read")
		}
	}
	if c.TLSCertFile != "" {
		checkCertificate(f, c.TLSCertFile, now)
	}
}

// checkRights: nobody but the owner may read what is secret.
func checkRights(f *findings, path, name string, most fs.FileMode) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.ok("%s is not there yet", name)
	case err != nil:
		f.fail("let the service's user read it", "%s cannot be looked at", name)
	case runtime.GOOS == "windows" || info.Mode().Perm()&^most == 0:
		f.ok("%s is its owner's alone", name)
	case info.IsDir() && info.Mode().Perm()&0o022 == 0:
		// Volumes often come so; what lies in it is its owner's alone all the same.
		f.warn(fmt.Sprintf("chmod %o", most), "%s can be listed by others (%o)", name, info.Mode().Perm())
	default:
		f.fail(fmt.Sprintf("chmod %o", most), "%s is open to others (%o)", name, info.Mode().Perm())
	}
}

func checkDataFile(f *findings, c *config) {
	path := filepath.Join(c.DataDir, dataFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		f.ok("the data file is made at the first start")
		return
	}
	checkRights(f, path, "the data file", 0o600)
	store, err := boltstore.OpenToRead(path) // looking must not bring its layout up
	switch {
	case errors.Is(err, boltstore.ErrLocked):
		f.ok("the data file is in use by a running server or command; it was not looked into")
		return
	case errors.Is(err, boltstore.ErrNewer):
		f.fail("start the version that wrote it, or restore a backup made by this one", "the data file was written by a newer version")
		return
	case err != nil:
		f.fail("restore a backup", "the data file cannot be opened")
		return
	}
	_ = store.Close()
	f.ok("the data file can be opened")
}

func checkCertificate(f *findings, path string, now time.Time) {
	text, err := os.ReadFile(path)
	if err != nil {
		f.fail("let the service's user read it", "TLS_CERT_FILE cannot be read")
		return
	}
	block, _ := pem.Decode(text)
	if block == nil {
		f.fail("give the certificate in PEM", "TLS_CERT_FILE holds no certificate")
		return
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	switch {
	case err != nil:
		f.fail("give the certificate in PEM", "TLS_CERT_FILE holds no certificate")
	case now.After(certificate.NotAfter), now.Before(certificate.NotBefore):
		f.fail("renew it and restart", "the TLS certificate is not valid today")
	case now.Add(certificateWarn).After(certificate.NotAfter):
		f.warn("renew it and restart", "the TLS certificate ends within three weeks")
	default:
		f.ok("the TLS certificate is valid")
	}
}

// checkSkew compares a dependency's clock, read between two looks at ours.
func checkSkew(f *findings, name string, theirs, before, after time.Time) {
	skew := time.Duration(0)
	switch {
	case theirs.Before(before):
		skew = before.Sub(theirs)
	case theirs.After(after):
		skew = theirs.Sub(after)
	}
	remedy := "synchronise the clocks (NTP) of this machine and of " + name
	switch {
	case skew >= skewFail:
		f.fail(remedy, "%s: its clock differs by %s", name, skew.Round(time.Second))
	case skew >= skewWarn:
		f.warn(remedy, "%s: its clock differs by %s", name, skew.Round(100*time.Millisecond))
	default:
		f.ok("%s: its clock agrees with this machine's", name)
	}
}
