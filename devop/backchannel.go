package devop

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	logoutEvent     = "http://schemas.openid.net/event/backchannel-logout"
	logoutTokenLife = 2 * time.Minute
	// logoutWait bounds both tries together: a browser waits for them.
	logoutWait  = 3 * time.Second
	logoutPause = 250 * time.Millisecond
)

// tellApp sends a logout token for the person and says whether the app took it
// (OpenID Connect Back-Channel Logout 1.0). Anything but 200 is tried once more a
// moment later; One Login goes on trying. It waits for the answer, so that the
// browser comes back to an app that knows.
func (p *provider) tellApp(ctx context.Context, subject string) bool {
	if p.cfg.BackchannelLogoutURI == "" {
		return false
	}
	// A browser that leaves does not call the sign-out off.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), logoutWait)
	defer cancel()
	token, err := p.logoutToken(subject)
	if err == nil {
		if err = p.postLogout(ctx, token); err == nil {
			return true
		}
		pause := time.NewTimer(logoutPause)
		defer pause.Stop()
		select {
		case <-pause.C:
			if err = p.postLogout(ctx, token); err == nil {
				return true
			}
		case <-ctx.Done():
		}
	}
	p.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "the app did not take the logout token", slog.String("reason", scrub(err.Error())))
	return false
}

// logoutToken has no sid: One Login's app ends every session of the person.
func (p *provider) logoutToken(subject string) (string, error) {
	now := p.cfg.Now()
	return signES256(p.cfg.SigningKey, "logout+jwt", p.key.KeyID, map[string]any{
		"iss": p.cfg.Issuer, "aud": p.cfg.ClientID, "sub": subject, "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(logoutTokenLife).Unix(),
		"events": map[string]any{logoutEvent: struct{}{}},
	})
}

func (p *provider) postLogout(ctx context.Context, token string) error {
	body := strings.NewReader(url.Values{"logout_token": {token}}.Encode())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.cfg.BackchannelLogoutURI, body)
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("User-Agent", "devop")
	resp, err := p.http.Do(r)
	if err != nil {
		return err
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	return nil
}
