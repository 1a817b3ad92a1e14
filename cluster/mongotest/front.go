package mongotest

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// Front is an address at which the server is reached.
type Front struct {
	server *Server
	addr   string

	mu        sync.Mutex
	listener  net.Listener
	conns     map[net.Conn]struct{}
	intercept func(*Command) Action
	delay     time.Duration
	// hole is open while the front is a black hole.
	hole chan struct{}
	ends sync.WaitGroup
}

// Addr is host and port.
func (f *Front) Addr() string { return f.addr }

// URI leads to the front. A test adds the name of its database.
func (f *Front) URI() string { return "mongodb://" + f.addr + "/" }

// Intercept has act decide on every command but hello and ping from now on;
// nil forwards them all. It is called by many connections at once.
func (f *Front) Intercept(act func(*Command) Action) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.intercept = act
}

// Delay makes every command and hello wait for so long before it is forwarded.
func (f *Front) Delay(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.delay = d
}

// BlackHole accepts everything and answers nothing while on. Whoever waited is
// cut off when it is switched off.
func (f *Front) BlackHole(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case on && f.hole == nil:
		f.hole = make(chan struct{})
	case !on && f.hole != nil:
		close(f.hole)
		f.hole = nil
	}
}

// Stop refuses connections and cuts those there are. It may be called twice.
func (f *Front) Stop() {
	f.mu.Lock()
	if f.listener != nil {
		_ = f.listener.Close()
		f.listener = nil
	}
	for c := range f.conns {
		_ = c.Close()
	}
	f.mu.Unlock()
	f.BlackHole(false)
	f.ends.Wait()
}

// Cut ends every connection; new ones are accepted.
func (f *Front) Cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.conns {
		_ = c.Close()
	}
}

// Conns counts the connections there are.
func (f *Front) Conns() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.conns)
}

// Start listens again, at the same address, after Stop.
func (f *Front) Start() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.listener != nil {
		return errors.New("mongotest: the front is started already")
	}
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", f.addr)
	if err != nil {
		return err
	}
	f.listener, f.addr, f.conns = l, l.Addr().String(), map[net.Conn]struct{}{}
	f.ends.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			f.mu.Lock()
			alive := f.listener == l
			if alive {
				f.conns[c] = struct{}{}
				f.ends.Go(func() { f.serve(c) })
			}
			f.mu.Unlock()
			if !alive {
				_ = c.Close()
			}
		}
	})
	return nil
}

// serve carries one connection's commands, one after the other.
func (f *Front) serve(client net.Conn) {
	defer func() {
		_ = client.Close()
		f.mu.Lock()
		delete(f.conns, client)
		f.mu.Unlock()
	}()
	backend, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", f.server.backend)
	if err != nil {
		return
	}
	defer func() { _ = backend.Close() }()
	// A client that goes away while its command waits is noticed when it is answered.
	for {
		m, err := readMessage(client)
		if err != nil {
			return
		}
		f.mu.Lock()
		delay, hole := f.delay, f.hole
		f.mu.Unlock()
		if hole != nil {
			<-hole
			return
		}
		if delay > 0 {
			<-time.After(delay)
		}
		reply, err := f.handle(client, backend, m)
		if err != nil {
			return
		}
		if _, err := client.Write(reply); err != nil {
			return
		}
	}
}
