package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"openplr/plr"
)

// The embedded file belongs to one process. So that a backup and a purge need
// no stop, the server takes these commands on a Unix socket in DATA_DIR, which
// only its own user can open. There is nothing else on it.
const (
	controlSocket = "control.sock"
	controlBackup = "backup"
	controlPurge  = "purge"
	controlDry    = "purge --dry-run"
	// controlOK begins the answer to a command that is carried out; any other
	// first line is the fault, in words.
	controlOK = "ok"
	// maxSocketPath is what every system takes; macOS takes the least.
	maxSocketPath = 103
	// controlPatience is how long whoever asked may take to read on. A backup
	// that nobody reads keeps the file from reusing its pages.
	controlPatience = 30 * time.Second
)

// snapshotter is a store that a backup can be made of: the embedded one.
type snapshotter interface {
	plr.RetentionStore
	Snapshot(ctx context.Context, w io.Writer) (int64, error)
}

// control serves the socket.
type control struct {
	store    snapshotter
	now      func() time.Time
	logger   *slog.Logger
	listener net.Listener
	path     string
	ctx      context.Context
	cancel   context.CancelFunc
	work     sync.WaitGroup
	busy     sync.Mutex // one command at a time
}

// openControl begins to listen. The caller holds the store's lock, so that a
// socket found in the place is one that a killed process left behind.
func openControl(c *config, store snapshotter, now func() time.Time, logger *slog.Logger) (*control, error) {
	// Made in a directory of its own and moved into place: at no moment can
	// another user connect, whatever the umask.
	dir, err := os.MkdirTemp(c.DataDir, ".c")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	made := filepath.Join(dir, "s")
	if len(made) > maxSocketPath {
		return nil, fmt.Errorf("the path of DATA_DIR is too long for a socket (by %d bytes): backup and purge need the server stopped", len(made)-maxSocketPath)
	}
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: made, Net: "unix"})
	if err != nil {
		return nil, err
	}
	listener.SetUnlinkOnClose(false)
	path := filepath.Join(c.DataDir, controlSocket)
	if err := errors.Join(os.Chmod(made, 0o600), os.Rename(made, path)); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	ctx, cancel := context.WithCancel(context.Background())
	k := &control{store: store, now: now, logger: logger, listener: listener, path: path, ctx: ctx, cancel: cancel}
	k.work.Go(k.accept)
	return k, nil
}

// close ends what is under way and waits for it: the store is closed next.
func (k *control) close() {
	k.cancel()
	_ = os.Remove(k.path)
	_ = k.listener.Close()
	k.work.Wait()
}

func (k *control) accept() {
	for {
		conn, err := k.listener.Accept()
		if err != nil {
			return
		}
		k.work.Go(func() {
			stop := context.AfterFunc(k.ctx, func() { _ = conn.Close() })
			defer stop()
			defer func() { _ = conn.Close() }()
			k.serve(conn)
		})
	}
}

func (k *control) serve(conn net.Conn) {
	out := &patientWriter{conn}
	_ = conn.SetReadDeadline(time.Now().Add(controlPatience)) //nolint:forbidigo // a connection's deadline is real time
	line, err := bufio.NewReader(io.LimitReader(conn, 64)).ReadString('\n')
	if err != nil {
		return
	}
	if !k.busy.TryLock() {
		_, _ = io.WriteString(out, "another backup or purge is under way\n")
		return
	}
	defer k.busy.Unlock()
	command := strings.TrimSuffix(line, "\n")
	switch command {
	case controlBackup:
		_, _ = io.WriteString(out, controlOK+"\n")
		err = writeBackup(k.ctx, out, k.store)
	case controlPurge, controlDry:
		var purged plr.Purged
		if purged, err = k.store.Purge(k.ctx, plr.DueAt(k.now()), command == controlDry); err != nil {
			_, _ = io.WriteString(out, "the purge did not come to its end: run it again\n")
			break
		}
		_, _ = io.WriteString(out, controlOK+"\n")
		err = json.NewEncoder(out).Encode(purged)
	default:
		_, _ = io.WriteString(out, "the server does not know this command: is it of another version?\n")
		return
	}
	if err != nil {
		k.logger.LogAttrs(k.ctx, slog.LevelError, "a command through the control socket failed", slog.String("command", command))
		return
	}
	k.logger.LogAttrs(k.ctx, slog.LevelInfo, "command through the control socket", slog.String("command", command))
}

// patientWriter gives every write its own time.
type patientWriter struct{ net.Conn }

func (w *patientWriter) Write(p []byte) (int, error) {
	if err := w.SetWriteDeadline(time.Now().Add(controlPatience)); err != nil { //nolint:forbidigo // a connection's deadline is real time
		return 0, err
	}
	return w.Conn.Write(p)
}

// errNoServer: nobody listens on the socket of this DATA_DIR.
var errNoServer = errors.New("no server is running on this DATA_DIR")

// askServer sends a command to the running server and gives what follows its
// ok. The caller closes it.
func askServer(ctx context.Context, c *config, command string) (io.ReadCloser, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(c.DataDir, controlSocket))
	if err != nil {
		return nil, errNoServer
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	answer := &serverAnswer{Reader: bufio.NewReaderSize(conn, 1<<16), conn: conn, stop: stop}
	if _, err := io.WriteString(conn, command+"\n"); err != nil {
		return nil, errors.Join(errors.New("the running server cut the connection"), answer.Close())
	}
	line, err := answer.ReadString('\n')
	switch line = strings.TrimSuffix(line, "\n"); {
	case err != nil:
		return nil, errors.Join(errors.New("the running server cut the connection"), answer.Close())
	case line != controlOK:
		return nil, errors.Join(errors.New(line), answer.Close())
	}
	return answer, nil
}

type serverAnswer struct {
	*bufio.Reader
	conn net.Conn
	stop func() bool
}

func (a *serverAnswer) Close() error {
	a.stop()
	return a.conn.Close()
}
