//go:build !nodevop

package main

import (
	"context"
	"crypto"
	"fmt"
	"log/slog"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"openplr/devop"
	"openplr/lrs"
	"openplr/plr"
)

// openDevop starts the development provider on its own listener, another site
// than the service on purpose: mistakes with cookies show on a laptop. Sample
// learners are imported at the first start and bound beforehand.
func (a *app) openDevop(ctx context.Context, c *config, p parts, clientKey crypto.PublicKey, clientKeyID string, logger *slog.Logger) (issuer, clientID string, err error) {
	listener, err := listen(p.DevopListener, c.DevopAddr)
	if err != nil {
		return "", "", fmt.Errorf("DEVOP_ADDR: %w", err)
	}
	a.onClose(func() { _ = listener.Close() })
	issuer, clientID = "http://"+listener.Addr().String(), "openplr"
	if _, err := lrs.ImportSamples(ctx, a.service, plr.DateOf(p.Now())); err != nil {
		return "", "", fmt.Errorf("import the sample learners: %w", err)
	}
	people, err := lrs.SamplePeople()
	if err != nil {
		return "", "", err
	}
	key, err := devopKey(c.DataDir)
	if err != nil {
		return "", "", err
	}
	config := devop.Config{
		Issuer: issuer, ClientID: clientID, ClientKey: clientKey, ClientKeyID: clientKeyID,
		RedirectURIs:           []string{c.PublicURL + "/auth/callback"},
		PostLogoutRedirectURIs: []string{c.PublicURL + "/auth/signed-out"},
		AppOrigins:             []string{c.PublicURL}, SigningKey: key, Now: p.Now, Logger: logger,
	}
	for _, person := range people {
		config.People = append(config.People, devop.Person{
			Subject: person.Subject, Name: person.GivenName + " " + person.FamilyName, Email: person.Email,
			Description: person.Description, GivenName: person.GivenName, FamilyName: person.FamilyName, BirthDate: string(person.BirthDate),
		})
	}
	if err := a.bindSamples(ctx, issuer, people); err != nil {
		return "", "", fmt.Errorf("bind the sample learners: %w", err)
	}
	handler, err := devop.New(config)
	if err != nil {
		return "", "", err
	}
	server := newHTTPServer(handler, logger)
	a.serveOn(server, listener)
	a.onClose(func() { _ = server.Close() })
	a.devop = issuer
	return issuer, clientID, nil
}

// bindSamples connects the sample people to their records, all at once: the
// store groups their writes, so that a slow disk delays the start once and not
// for each of them.
func (a *app) bindSamples(ctx context.Context, issuer string, people []lrs.SamplePerson) error {
	var leftOut atomic.Bool
	group, ctx := errgroup.WithContext(ctx)
	for _, person := range people {
		if person.ULN == "" {
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
