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
}

// newTCPFront listens for target. It ends with the test.
func newTCPFront(t testing.TB, target string) *tcpFront {
	t.Helper()
	f := &tcpFront{addr: fmt.Sprintf("127.0.0.1:%d", freePort(t)), target: target}
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
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(server, client)
		_ = server.Close()
	}()
	_, _ = io.Copy(client, server)
	_, _ = client.Close(), server.Close()
	<-ended
	f.mu.Lock()
	delete(f.conns, client)
	delete(f.conns, server)
	f.mu.Unlock()
}
