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
  server generate [-learners N] [-events 15] [-seed 1] [-out FILE]
                            invent learners, into the store or as a file to import; a run
                            that was stopped goes on where it was
  server purge [-dry-run]   remove what has had its time by the retention table, or only count it
  server backup [-replace] FILE
                            copy the embedded store, beside a running server too
  server restore [-replace] [-keep-links] FILE
                            make a backup the data file; links are paused
  server migrate            bring the store to the form this version wants: MongoDB's indexes
  server check [-json]      are the settings right, and is all they name there, safe and fit?
  server version            say which build this is
  server help               this text
`

// commands are the subcommands that do something and end.
var commands = map[string]func(ctx context.Context, args []string, env func(string) string, now func() time.Time, stdout, stderr io.Writer) error{
	"import": importFiles, "generate": generate, "purge": purge, "backup": backup, "restore": restore,
	"migrate": migrate, "check": check,
}

// run is the whole program: one subcommand, then its error or nil.
func run(ctx context.Context, args []string, env func(string) string, stdout, stderr io.Writer) error {
	command := "serve"
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	if do, known := commands[command]; known {
		return do(ctx, args, env, time.Now, stdout, stderr) //nolint:forbidigo // here the clock enters
	}
	switch command {
	case "serve":
		return serve(ctx, args, env, stdout, stderr)
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
