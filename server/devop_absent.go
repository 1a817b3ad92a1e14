//go:build nodevop

package main

import (
	"context"
	"crypto"
	"errors"
	"log/slog"
)

// openDevop refuses: production builds have no development provider in them.
func (*app) openDevop(context.Context, *config, parts, crypto.PublicKey, string, *slog.Logger) (issuer, clientID string, err error) {
	return "", "", errors.New("OIDC_ISSUER must be set: this build has no development sign-in provider")
}
