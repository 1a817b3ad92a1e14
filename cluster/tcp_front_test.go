package cluster_test

import (
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// tcpFront is an address that leads to a server, until it is told otherwise.
type tcpFront struct {
	addr string

	mu       sync.Mutex
	target   string
	listener net.Listener
	conns    map[net.Conn]bool
	silent   bool
	delay    time.Duration
	changed  chan struct{} // closed and renewed when silent or delay change
}

// newTCPFront listens for target. It ends with the test.
func newTCPFront(t testing.TB, target string) *tcpFront {
	t.Helper()
	f := &tcpFront{addr: fmt.Sprintf("127.0.0.1:%d", freePort(t)), target: target, changed: make(chan struct{})}
	f.start(t)
	t.Cleanup(f.stop)
	return f
}

// start takes connections again.
func (f *tcpFront) start(t testing.TB) {
	t.Helper()
	l, err := net.Listen("tcp", f.addr)
	if err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	f.listener, f.conns = l, map[net.Conn]bool{}
	f.mu.Unlock()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go f.serve(conn)
		}
	}()
}

// stop refuses new connections and cuts those there are.
func (f *tcpFront) stop() {
	f.mu.Lock()
	if f.listener != nil {
		_ = f.listener.Close()
		f.listener = nil
	}
	f.mu.Unlock()
	f.cut()
}

// cut ends the connections there are.
func (f *tcpFront) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for conn := range f.conns {
		_ = conn.Close()
	}
}

// lead leads to another server from now on; connections to the old one end.
func (f *tcpFront) lead(target string) {
	f.mu.Lock()
	f.target = target
	f.mu.Unlock()
	f.cut()
}

// blackHole keeps connections open and forwards nothing.
func (f *tcpFront) blackHole(on bool) { f.set(func() { f.silent = on }) }

// slow holds every answer back for d.
func (f *tcpFront) slow(d time.Duration) { f.set(func() { f.delay = d }) }

func (f *tcpFront) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *tcpFront) serve(client net.Conn) {
	f.mu.Lock()
	target, open := f.target, f.listener != nil
	f.mu.Unlock()
	server, err := net.DialTimeout("tcp", target, 2*time.Second)
	if err != nil || !open {
		_ = client.Close()
		return
	}
	f.mu.Lock()
	f.conns[client], f.conns[server] = true, true
	f.mu.Unlock()
	done := make(chan struct{}, 2)
	go f.pump(server, client, false, done)
	go f.pump(client, server, true, done)
	<-done
	_, _ = client.Close(), server.Close()
	<-done
	f.mu.Lock()
	delete(f.conns, client)
	delete(f.conns, server)
	f.mu.Unlock()
}

func (f *tcpFront) pump(to io.Writer, from io.Reader, answers bool, done chan<- struct{}) {
	defer func() { done <- struct{}{} }()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			f.hold(answers)
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// hold waits as long as the front is silent, or slow with answers.
func (f *tcpFront) hold(answers bool) {
	for {
		f.mu.Lock()
		silent, delay, changed, open := f.silent, f.delay, f.changed, f.listener != nil
		f.mu.Unlock()
		switch {
		case silent && open:
			<-changed
		case answers && delay > 0:
			select {
			case <-time.After(delay):
			case <-changed:
			}
			return
		default:
			return
		}
	}
}
