// Package main is the server: configuration, wiring, routes, transports,
// lifecycle and subcommands. It may import every room; no room imports it.
//
// Where to look: run.go lists the subcommands, app.go opens everything in
// order, routes.go shows every route and the order of middleware.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(1)
	}
}
