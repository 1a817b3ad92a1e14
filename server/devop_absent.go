//go:build nodevop

package main

import (
	"context"
	"crypto"
	"errors"
	"log/slog"
)

// openDevop refuses: production builds have no development provider in them.
func (*app) openDevop(context.Context, *config, parts, crypto.PublicKey, string, *slog.Logger) (devopProvider, error) {
	return devopProvider{}, errors.New("OIDC_ISSUER must be set: this build has no development sign-in provider")
}
