//go:build !nodevop

package main

import (
	"context"
	"crypto"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"openplr/devop"
	"openplr/lrs"
	"openplr/plr"
	"openplr/signin"
)

// openDevop starts the development provider on its own listener, another site
// than the service on purpose: mistakes with cookies show on a laptop. Sample
// learners are imported at the first start, and those who start with a record are
// bound beforehand.
func (a *app) openDevop(ctx context.Context, c *config, p parts, clientKey crypto.PublicKey, clientKeyID string, logger *slog.Logger) (devopProvider, error) {
	listener, err := listen(p.DevopListener, c.DevopAddr)
	if err != nil {
		return devopProvider{}, fmt.Errorf("DEVOP_ADDR: %w", err)
	}
	a.onClose(func() { _ = listener.Close() })
	if _, err := lrs.ImportSamples(ctx, a.service, plr.DateOf(p.Now())); err != nil {
		return devopProvider{}, fmt.Errorf("import the sample learners: %w", err)
	}
	people, err := lrs.SamplePeople()
	if err != nil {
		return devopProvider{}, err
	}
	signingKey, err := devopKey(c.DataDir, "devop-signing-key.pem")
	if err != nil {
		return devopProvider{}, err
	}
	identityKey, err := devopKey(c.DataDir, "devop-identity-key.pem")
	if err != nil {
		return devopProvider{}, err
	}
	config := devop.Config{
		// Without the slash that One Login's issuer ends in: accounts of earlier
		// starts belong to this issuer, to the byte.
		Issuer: "http://" + listener.Addr().String(), ClientID: "openplr", ClientKey: clientKey, ClientKeyID: clientKeyID,
		RedirectURIs:           []string{c.PublicURL + "/auth/callback"},
		PostLogoutRedirectURIs: []string{c.PublicURL + "/auth/signed-out"},
		BackchannelLogoutURI:   c.PublicURL + "/auth/backchannel-logout",
		AppOrigins:             c.landings(), SigningKey: signingKey, IdentityKey: identityKey, Now: p.Now, Logger: logger,
	}
	for _, person := range people {
		config.People = append(config.People, devopPerson(person))
	}
	if err := a.bindSamples(ctx, config.Issuer, people); err != nil {
		return devopProvider{}, fmt.Errorf("bind the sample learners: %w", err)
	}
	handler, err := devop.New(config)
	if err != nil {
		return devopProvider{}, err
	}
	server := newHTTPServer(handler, logger)
	a.serveOn(server, listener)
	a.onClose(func() { _ = server.Close() })
	a.devop = config.Issuer
	core := config.CoreIdentity()
	out := devopProvider{issuer: config.Issuer, clientID: config.ClientID, coreIssuer: core.Issuer, did: core.DID, didURL: core.DIDURL}
	for _, person := range people {
		if role, staff := staffRoles[person.Role]; staff {
			out.staff = append(out.staff, signin.StaffRole{Role: role, Issuer: config.Issuer, Subject: person.Subject})
		}
	}
	return out, nil
}

// landings are the origins at which a sign-in may end: browsers hold a form to
// those its page names, over all redirects.
func (c *config) landings() []string {
	out := append([]string{c.PublicURL}, c.AllowedOrigins...)
	for _, client := range c.AppClients {
		for _, address := range client.RedirectURIs {
			if u, err := url.Parse(address); err == nil && !slices.Contains(out, u.Scheme+"://"+u.Host) {
				out = append(out, u.Scheme+"://"+u.Host)
			}
		}
	}
	return out
}

func devopPerson(p lrs.SamplePerson) devop.Person {
	out := devop.Person{
		Subject: p.Subject, Name: p.GivenName + " " + p.FamilyName, Email: p.Email, Description: p.Description, Group: devop.Group(p.Group),
		GivenName: p.GivenName, FamilyName: p.FamilyName, BirthDate: string(p.BirthDate), PostCodes: p.PostCodes, ReturnCodes: p.ReturnCodes,
	}
	for _, name := range p.PreviousNames {
		out.PreviousNames = append(out.PreviousNames, devop.PersonName{Given: name.GivenName, Family: name.FamilyName})
	}
	return out
}

// bindSamples connects the sample people who start with a record to it, all at
// once: the store groups their writes, so that a slow disk delays the start once
// and not for each of them.
func (a *app) bindSamples(ctx context.Context, issuer string, people []lrs.SamplePerson) error {
	var leftOut atomic.Bool
	group, ctx := errgroup.WithContext(ctx)
	for _, person := range people {
		if !person.Bound {
			continue
		}
		group.Go(func() error {
			_, err := a.service.Learner(ctx, person.ULN)
			if err != nil && plr.CodeOf(err) == plr.CodeNotFound {
				leftOut.Store(true) // the store held other learners before the first start
				return nil
			}
			if err != nil {
				return err
			}
			return a.service.BindSample(ctx, issuer, person.Subject, person.ULN)
		})
	}
	err := group.Wait()
	a.samplesLeftOut = leftOut.Load()
	return err
}
