package main

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"
	"time"
)

const usage = `Usage:
  server                    serve; everything is configured by environment variables (README.md)
  server import [-rejects FILE] FILE...
                            read LRS web-service responses into the store; refused
                            items are listed in the rejects file (rejects.ndjson)
  server version            say which build this is
  server help               this text
`

// run is the whole program: one subcommand, then its error or nil.
func run(ctx context.Context, args []string, env func(string) string, stdout, stderr io.Writer) error {
	command := "serve"
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	switch command {
	case "serve":
		return serve(ctx, args, env, stdout, stderr)
	case "import":
		return importFiles(ctx, args, env, time.Now, stdout, stderr) //nolint:forbidigo // here the clock enters
	case "generate":
		return generate(ctx, args, env, time.Now, stdout, stderr) //nolint:forbidigo // here the clock enters
	case "version":
		_, err := fmt.Fprintln(stdout, version())
		return err
	case "help", "-h", "--help":
		_, err := io.WriteString(stdout, usage)
		return err
	default:
		return fmt.Errorf("unknown subcommand %q\n%s", command, usage)
	}
}

func serve(ctx context.Context, args []string, env func(string) string, stdout, stderr io.Writer) error {
	if len(args) > 0 {
		return fmt.Errorf("serving takes no arguments; configure it by environment variables\n%s", usage)
	}
	config, err := readConfig(env)
	if err != nil {
		return err
	}
	app, err := start(ctx, config, parts{Now: time.Now, Stderr: stderr}) //nolint:forbidigo // here the clock enters
	if err != nil {
		return err
	}
	app.printWhere(stdout)
	return app.wait(ctx)
}

// buildVersion is set when a release is built.
var buildVersion = "development"

func version() string {
	out := "openplr " + buildVersion
	if info, ok := debug.ReadBuildInfo(); ok {
		out += " " + info.GoVersion
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				out += " " + s.Value
			}
		}
	}
	return out
}
